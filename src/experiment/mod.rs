//! Plans, their runs and what is concluded from them.

pub mod study;
