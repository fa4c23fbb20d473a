//! What several controllers are made of. A part knows no controller.

pub mod clock;
pub mod scraper;
pub mod signal;
