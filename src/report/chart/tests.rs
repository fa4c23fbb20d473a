use super::*;
use crate::report::synthetic;

#[test]
fn preview() {
    let Some(directory) = std::env::var_os("PREVIEW") else {
        return;
    };
    draw(
        &synthetic::study(),
        Path::new(&directory),
        &ChartKind::ALL,
        Formats {
            svg: true,
            png: true,
        },
    )
    .unwrap();
}
