//! "Did you mean": the names that a misspelt one may stand for.

/// The candidate that was most likely meant, if one is close enough to be no wild guess.
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(written);
    let mut best: Option<(usize, &str)> = None;
    // Nobody reads on while a name is compared with tens of thousands of others.
    for candidate in candidates.into_iter().take(2000) {
        let target = fold(candidate);
        let longest = folded.chars().count().max(target.chars().count());
        // A third of the letters may differ, one in a short name.
        let allowed = ((longest + 1) / 3).max(1);
        // Distances of very long names cost their product; such names are no typing mistakes.
        if !(2..=200).contains(&longest) {
            continue;
        }
        let mut distance = strsim::damerau_levenshtein(&folded, &target);
        let shortest = folded.chars().count().min(target.chars().count());
        let alike = folded.chars().zip(target.chars()).take_while(|(one, other)| one == other).count();
        let within = shortest >= 4 && (folded.contains(&target) || target.contains(&folded));
        // A different ending (`retry` for `retries`), or a part of the name.
        if within || (alike >= 4 && alike * 4 >= shortest * 3) {
            distance = distance.min(allowed);
        }
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Case and word separators are what people most often get wrong.
fn fold(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Names as a sentence lists them, at most a dozen: `` `a`, `b` and `c` ``.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let shown: Vec<_> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    let hidden = names.len() - shown.len();
    match shown.as_slice() {
        [] => "nothing".to_owned(),
        _ if hidden > 0 => format!("{} and {hidden} more", shown.join(", ")),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The help line for an unknown name: the likely one first, then what there is.
pub fn help<'a>(written: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<_> = candidates.into_iter().collect();
    let known = if candidates.is_empty() {
        format!("there are no {what}")
    } else {
        format!("{what}: {}", list(candidates.iter().copied()))
    };
    match closest(written, candidates) {
        Some(name) => format!("did you mean `{name}`? {known}"),
        None => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_are_recognised_and_strangers_are_not() {
        let known = ["replicas", "memory", "max_replicas", "db"];
        assert_eq!(closest("replica", known), Some("replicas"));
        assert_eq!(closest("maxReplicas", known), Some("max_replicas"));
        assert_eq!(closest("memroy", known), Some("memory"));
        assert_eq!(closest("price", known), None);
        assert_eq!(closest("retry", ["latency", "retries"]), Some("retries"));
        assert_eq!(closest("Cash", ["Clients", "Cache"]), Some("Cache"));
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(list([]), "nothing");
    }
}
