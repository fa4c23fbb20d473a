//! `export --format parquet`: the cells of the other formats, or a word about how to get it.

use std::path::Path;
use std::process::{Command, Output};

fn forescale(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forescale"));
    command.current_dir(folder).args(arguments).output().expect("the command starts")
}

#[test]
fn parquet_is_binary_and_goes_into_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = forescale(folder.path(), &["export", "none.json", "--format", "parquet"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("add for example --to rows.parquet"), "{said}");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_how_to_get_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = forescale(folder.path(), &["export", "none.json", "--format", "parquet", "--to", "rows.parquet"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("built without Parquet") && said.contains("--features parquet"), "{said}");
    assert!(!folder.path().join("rows.parquet").exists());
}

#[cfg(feature = "parquet")]
mod cells {
    use std::fs::File;
    use std::path::Path;

    use parquet::basic::{LogicalType, Repetition, Type};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use serde_json::Value;
    use tempfile::TempDir;

    use super::forescale;

    /// Results with numbers, a refused point, differences, and windows.
    fn results() -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/techniques/service.ron");
        for (name, fields) in [
            (
                "steady",
                r#"variants: { "as is": { "nodes.web.queue": 1_000_000 }, "more, or \"many\"": { "nodes.web.replicas": 2 } }"#,
            ),
            ("early", r#"horizon: Terminating(duration: "2m", window: "1m")"#),
        ] {
            let text = format!(
                r#"Experiment(title: "t", model: {:?}, load: Axis(path: "nodes.visitors.rate", values: ["40/s", "400/s"]), {fields})"#,
                model.display().to_string()
            );
            std::fs::write(folder.path().join(format!("{name}.ron")), text).expect("a file");
        }
        run(&folder, &["run", "steady.ron", "early.ron", "--quick"]);
        folder
    }

    /// What a command that must succeed says.
    fn run(folder: &TempDir, arguments: &[&str]) -> String {
        let output = forescale(folder.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn export(folder: &TempDir, arguments: &[&str]) -> String {
        run(folder, &[&["export", "plots/steady.json", "plots/early.json", "--format"], arguments].concat())
    }

    #[test]
    fn every_cell_is_that_of_the_other_formats() {
        let folder = results();
        let (csv, lines) = (export(&folder, &["csv"]), export(&folder, &["jsonl"]));
        assert_eq!(export(&folder, &["parquet", "--to", "rows.parquet"]), "");
        let mut csv = csv::Reader::from_reader(csv.as_bytes());
        let header = csv.headers().expect("a header").clone();
        let file = File::open(folder.path().join("rows.parquet")).expect("it was written");
        let reader = SerializedFileReader::new(file).expect("a Parquet file");
        let mut rows = reader.get_row_iter(None).expect("rows");
        let (mut numbers, mut texts, mut empty) = (0, 0, 0);
        for (record, line) in csv.records().zip(lines.lines()) {
            let (record, row) = (record.expect("a row"), rows.next().expect("as many rows").expect("a row"));
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(row.len(), header.len());
            for ((name, field), (column, cell)) in row.get_column_iter().zip(header.iter().zip(&record)) {
                assert_eq!(name, column);
                let same = match field {
                    Field::Double(number) => {
                        numbers += 1;
                        line[column].as_f64() == Some(*number) && cell.parse() == Ok(*number)
                    }
                    Field::Str(text) => {
                        texts += 1;
                        !text.is_empty() && line[column] == **text && cell == text
                    }
                    Field::Null => {
                        empty += 1;
                        cell.is_empty() && (line[column].is_null() || line[column] == "")
                    }
                    _ => false,
                };
                assert!(same, "{column}: {field:?} in Parquet, {cell:?} in CSV, {} in JSON", line[column]);
            }
        }
        assert!(rows.next().is_none(), "no more rows");
        assert!(numbers > 500 && texts > 500 && empty > 500, "{numbers} numbers, {texts} texts, {empty} empty cells");
        let scopes = ["point", "operation", "node", "difference", "operation_window", "node_window"];
        assert!(scopes.iter().all(|scope| lines.contains(&format!("\"scope\":\"{scope}\""))));
        assert!(lines.contains("\"refusal\":\"unstable\""));
    }

    #[test]
    fn columns_have_types_and_the_bytes_are_the_same_each_time() {
        let folder = results();
        let bytes = |name: &str| {
            export(&folder, &["parquet", "--to", name]);
            std::fs::read(folder.path().join(name)).expect("it was written")
        };
        let one = bytes("one.parquet");
        assert!(one == bytes("two.parquet"), "the files differ");
        assert!(one.starts_with(b"PAR1") && one.ends_with(b"PAR1"));
        let reader = SerializedFileReader::new(File::open(folder.path().join("one.parquet")).expect("a file"));
        let metadata = reader.expect("a Parquet file").metadata().file_metadata().clone();
        for column in metadata.schema_descr().columns() {
            let is_text = ["experiment", "variant", "scope", "name", "quantity", "refusal"].contains(&column.name());
            assert_eq!(column.self_type().get_basic_info().repetition(), Repetition::OPTIONAL);
            let expected = if is_text { (Type::BYTE_ARRAY, Some(LogicalType::String)) } else { (Type::DOUBLE, None) };
            assert_eq!((column.physical_type(), column.logical_type_ref().cloned()), expected, "{}", column.name());
        }
    }
}
