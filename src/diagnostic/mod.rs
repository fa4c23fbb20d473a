//! Messages about text a user wrote: where, what is wrong, what to write instead.

pub mod span;
