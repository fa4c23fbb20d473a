//! What a constraint says of one combination.
//!
//! Unlike the library that reads constraints, this knows no whole numbers, looks at the right side of `&&` and `||` only
//! where the left one leaves it open, so that a constraint can guard itself (`pods == 0 || load / pods <= 400`), and takes no
//! infinity for a number: what divides by zero would else be larger than any limit, or hold whatever it is compared with.

use std::collections::BTreeMap;

use evalexpr::{Node, Operator, Value};

use crate::experiment::plan::axes::{Axis, LOAD};

/// One value of each axis, by name.
pub(super) type Combination<'a> = BTreeMap<&'a str, Term<'a>>;

/// A number, a text or a truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Term<'a> {
    Number(f64),
    Text(&'a str),
    Truth(bool),
}

/// A load, and one value of each further axis.
pub(super) fn combination<'a>(load: f64, values: impl Iterator<Item = (&'a Axis, usize)>) -> Combination<'a> {
    let named = |(axis, index): (&'a Axis, usize)| {
        let value = &axis.values[index];
        let term = if axis.is_numeric { Term::Number(value.number) } else { Term::Text(&value.text) };
        (axis.name.as_str(), term)
    };
    std::iter::once((LOAD, Term::Number(load))).chain(values.map(named)).collect()
}

/// Whether a combination holds a constraint; `None` where it divides by zero, or reckons with what is no number.
pub(super) fn holds(tree: &Node, combination: &Combination<'_>) -> Option<bool> {
    match term(tree, combination)? {
        Term::Truth(truth) => Some(truth),
        _ => None,
    }
}

fn term<'a>(node: &'a Node, combination: &Combination<'a>) -> Option<Term<'a>> {
    use Operator::{Add, And, Const, Div, Eq, Exp, Geq, Gt, Leq, Lt, Mod, Mul, Neg, Neq, Not, Or, RootNode, Sub};
    let child = |index: usize| term(node.children().get(index)?, combination);
    let number = |index: usize| match child(index)? {
        Term::Number(number) => Some(number),
        _ => None,
    };
    let truth = |index: usize| match child(index)? {
        Term::Truth(truth) => Some(truth),
        _ => None,
    };
    let reckoned = |reckon: fn(f64, f64) -> f64| {
        let result = reckon(number(0)?, number(1)?);
        result.is_finite().then_some(Term::Number(result))
    };
    let compared = |compare: fn(&f64, &f64) -> bool| Some(Term::Truth(compare(&number(0)?, &number(1)?)));
    match node.operator() {
        RootNode => child(0),
        Add => reckoned(|a, b| a + b),
        Sub => reckoned(|a, b| a - b),
        Mul => reckoned(|a, b| a * b),
        Div => reckoned(|a, b| a / b),
        Mod => reckoned(|a, b| a % b),
        Exp => reckoned(f64::powf),
        Neg => number(0).map(|number| Term::Number(-number)),
        Gt => compared(f64::gt),
        Lt => compared(f64::lt),
        Geq => compared(f64::ge),
        Leq => compared(f64::le),
        Eq => Some(Term::Truth(child(0)? == child(1)?)),
        Neq => Some(Term::Truth(child(0)? != child(1)?)),
        And => Some(Term::Truth(truth(0)? && truth(1)?)),
        Or => Some(Term::Truth(truth(0)? || truth(1)?)),
        Not => truth(0).map(|truth| Term::Truth(!truth)),
        Const { value } => match value {
            Value::Float(number) => Some(Term::Number(*number)),
            Value::Int(number) => Some(Term::Number(*number as f64)),
            Value::String(text) => Some(Term::Text(text)),
            Value::Boolean(truth) => Some(Term::Truth(*truth)),
            Value::Tuple(_) | Value::Empty => None,
        },
        Operator::VariableIdentifierRead { identifier } => combination.get(identifier.as_str()).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalexpr::build_operator_tree;

    fn of(expression: &str) -> Option<bool> {
        let combination = Combination::from([
            ("load", Term::Number(1_000.0)),
            ("pods", Term::Number(4.0)),
            ("idle", Term::Number(0.0)),
            ("policy", Term::Text("Random")),
        ]);
        holds(&build_operator_tree(expression).expect("an expression"), &combination)
    }

    #[test]
    fn constraints_reckon_as_on_paper() {
        for (expression, expected) in [
            ("load / pods == 250", true),
            ("7 / 2 == 3.5", true),
            ("pods % 3 == 1 && pods ^ 2 > 15", true),
            ("-pods < 0 || pods - 4 != 0", true),
            ("policy == \"Random\" && !(policy != \"Random\")", true),
            ("2 + pods * 3 >= 15", false),
            ("true && pods <= 3", false),
        ] {
            assert_eq!(of(expression), Some(expected), "{expression}");
        }
    }

    #[test]
    fn what_divides_by_zero_is_neither_true_nor_false_unless_it_is_guarded() {
        for expression in ["load / idle > 3", "load / idle < 3", "idle % idle == 0", "idle / idle != 1", "10 ^ 999 > 1"]
        {
            assert_eq!(of(expression), None, "{expression}");
        }
        assert_eq!(of("idle == 0 || load / idle > 3"), Some(true));
        assert_eq!(of("idle > 0 && load / idle > 3"), Some(false));
    }
}
