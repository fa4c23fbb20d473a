//! The fewest and the most replicas that a controller allows.

use crate::diagnostic::span::Spanned;
use crate::techniques::service::MOST_REPLICAS;
use crate::techniques::technique::Mistake;

/// A bound: the field's name, what is written, and what holds if nothing is.
pub type Bound<'a> = (&'static str, Option<&'a Spanned<u32>>, u32);

/// Mistakes in both bounds.
pub fn mistakes(minimum: Bound<'_>, maximum: Bound<'_>) -> Option<Mistake> {
    let value = |(_, written, otherwise): Bound<'_>| written.map_or(otherwise, |written| written.value);
    let (fewest, most) = (value(minimum), value(maximum));
    if let Some(written) = maximum.1.filter(|_| most == 0 || most > MOST_REPLICAS) {
        let message = "an autoscaler allows between 1 and 60,000 replicas";
        return Some(Mistake::new(written.span, message, format!("write for example {}: 10", maximum.0)));
    }
    let written = minimum.1.or(maximum.1).filter(|_| fewest > most)?;
    let message = format!("{} {fewest} is above {} {most}", minimum.0, maximum.0);
    Some(Mistake::new(written.span, message, format!("write at most {most}, or raise {}", maximum.0)))
}
