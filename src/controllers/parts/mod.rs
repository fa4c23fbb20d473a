//! What several controllers are made of. A part knows no controller.

pub mod alarm;
pub mod bounds;
pub mod clock;
pub mod cron;
pub mod datapoints;
pub mod group;
pub mod level;
pub mod scraper;
pub mod signal;
