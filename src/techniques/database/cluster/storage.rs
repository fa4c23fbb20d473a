//! A volume beneath all servers: what they have to read, and what makes a commit last.

use crate::diagnostic::span::Spanned;
use crate::engine::Destination;
use crate::engine::context::Context;
use crate::techniques::parts::executor::{Next, resalt};
use crate::techniques::technique::{CompileError, Wiring};

/// Pages of one statement that are asked for at the same time; the volume sees no more of larger scans.
const MOST_AT_ONCE: u64 = 1_000;

/// Tells pages of one statement apart.
const PAGE_SALT: u32 = 0x5041_4745;

/// The operations of the volume.
#[derive(Clone, Copy, Debug)]
pub struct Storage {
    read: Destination,
    write: Destination,
}

impl Storage {
    /// Compiles a volume's name.
    pub fn compile(name: &Spanned<String>, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let mut operation = |what: &str| wiring.destination(&Spanned::new(format!("{}.{what}", **name), name.span));
        Ok(Self { read: operation("read")?, write: operation("write")? })
    }

    /// Asks for so many pages at once. The statement goes on when the one that was asked for last is there.
    pub fn read(self, context: &mut Context, slot: u32, pages: u64) -> Next {
        if pages == 0 {
            return Next::GoOn;
        }
        let identity = context.visit(slot).identity();
        for page in 1..pages.min(MOST_AT_ONCE) {
            let mut ahead = identity;
            ahead.salt = resalt(identity.salt, PAGE_SALT.wrapping_add(page as u32));
            context.spawn(self.read, ahead);
        }
        let token = context.id(slot).token();
        context.call(self.read, token, 0, identity);
        Next::Wait
    }

    /// Sends a record of the log. The statement goes on when the volume has acknowledged it.
    pub fn write(self, context: &mut Context, slot: u32) -> Next {
        let identity = context.visit(slot).identity();
        let token = context.id(slot).token();
        context.call(self.write, token, 0, identity);
        Next::Wait
    }
}
