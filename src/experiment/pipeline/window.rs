//! How the time of a study of a given length is cut into windows.

use crate::experiment::pipeline::Horizon;

/// Windows of one point.
pub const MOST_WINDOWS: u64 = 1_000;
/// Windows where nobody says how many: the hours of a day. Results hold each of them.
const USUAL_WINDOWS: u64 = 24;

/// Why a time cannot be cut into windows of some length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfitWindow {
    Zero,
    TooLong,
    TooMany,
}

impl UnfitWindow {
    /// What is wrong, as a sentence.
    pub fn message(self) -> &'static str {
        match self {
            Self::Zero => "a window of no time shows nothing",
            Self::TooLong => "the window is longer than the whole study",
            Self::TooMany => "these are more than 1,000 windows",
        }
    }

    /// What to write instead.
    pub fn help(self) -> &'static str {
        match self {
            Self::Zero | Self::TooLong => "write a part of the duration, or leave it out for a twenty-fourth of it",
            Self::TooMany => "write a longer window, or leave it out for a twenty-fourth of the duration",
        }
    }
}

impl Horizon {
    /// From time zero for this long, in the usual number of windows.
    pub fn over(duration_ns: u64) -> Self {
        Self::Terminating { duration_ns, window_ns: duration_ns.div_ceil(USUAL_WINDOWS).max(1) }
    }

    /// From time zero for this long, in windows of this length.
    ///
    /// # Errors
    /// When the time cannot be cut like that.
    pub fn in_windows(duration_ns: u64, window_ns: u64) -> Result<Self, UnfitWindow> {
        match window_ns {
            0 => Err(UnfitWindow::Zero),
            _ if window_ns > duration_ns => Err(UnfitWindow::TooLong),
            _ if duration_ns.div_ceil(window_ns) > MOST_WINDOWS => Err(UnfitWindow::TooMany),
            _ => Ok(Self::Terminating { duration_ns, window_ns }),
        }
    }

    /// How many windows are told; none of the long run.
    pub fn windows(&self) -> u64 {
        match *self {
            Self::SteadyState { .. } => 0,
            Self::Terminating { duration_ns, window_ns } => duration_ns.div_ceil(window_ns.max(1)),
        }
    }
}
