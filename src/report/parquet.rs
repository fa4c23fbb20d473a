//! The long form of studies as a Parquet file, which keeps numbers as numbers and names once.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use crate::report::long::{COLUMNS, Column, Row};

/// Rows that are kept together. All cells of a group are in the memory while it is written.
const GROUP_ROWS: usize = 1 << 20;

/// Writes rows. An empty cell is null, in texts too.
///
/// # Errors
/// When the target cannot be written.
pub fn write(rows: &[Row<'_>], target: impl Write + Send) -> io::Result<()> {
    write_groups(rows, target).map_err(|error| match error {
        // A failure to write keeps its kind.
        ParquetError::External(cause) => cause.downcast::<io::Error>().map_or_else(io::Error::other, |cause| *cause),
        error => io::Error::other(error),
    })
}

fn write_groups(rows: &[Row<'_>], target: impl Write + Send) -> Result<(), ParquetError> {
    let maker = concat!("forescale ", env!("CARGO_PKG_VERSION"));
    let properties = WriterProperties::builder().set_created_by(maker.to_owned()).build();
    let mut writer = SerializedFileWriter::new(target, Arc::new(schema()?), Arc::new(properties))?;
    for rows in rows.chunks(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        for (_, column) in COLUMNS {
            match column {
                Column::Text(cell) => write_texts(&mut group, rows, cell)?,
                Column::Number(cell) => write_numbers(&mut group, rows, cell)?,
            }
        }
        group.close()?;
    }
    writer.close().map(drop)
}

/// Every column may be empty.
fn schema() -> Result<Type, ParquetError> {
    let field = |(name, column): (&str, Column)| {
        let field = match column {
            Column::Text(_) => {
                Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::String))
            }
            Column::Number(_) => Type::primitive_type_builder(name, Physical::DOUBLE),
        };
        field.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    };
    let fields = COLUMNS.into_iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("rows").with_fields(fields).build()
}

fn write_texts<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Row<'_>],
    cell: for<'r> fn(&'r Row<'r>) -> Option<&'r str>,
) -> Result<(), ParquetError> {
    let cells: Vec<Option<&str>> = rows.iter().map(|row| cell(row).filter(|text| !text.is_empty())).collect();
    let texts: Vec<ByteArray> = cells.iter().flatten().map(|text| ByteArray::from(*text)).collect();
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels(&cells)), None)?;
    column.close()
}

fn write_numbers<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Row<'_>],
    cell: fn(&Row<'_>) -> Option<f64>,
) -> Result<(), ParquetError> {
    let cells: Vec<Option<f64>> = rows.iter().map(cell).collect();
    let numbers: Vec<f64> = cells.iter().flatten().copied().collect();
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    column.typed::<DoubleType>().write_batch(&numbers, Some(&levels(&cells)), None)?;
    column.close()
}

/// Which cells are there, as Parquet says it.
fn levels<T>(cells: &[Option<T>]) -> Vec<i16> {
    cells.iter().map(|cell| i16::from(cell.is_some())).collect()
}
