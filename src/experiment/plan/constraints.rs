//! Comparisons of axes that a combination must hold to be run.

use evalexpr::{EvalexprError, Node, Operator, Value, build_operator_tree};

use crate::diagnostic::names;
use crate::diagnostic::span::Spanned;
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::plan::axes::Axis;
use crate::experiment::plan::evaluate::{Combination, holds};

/// Longer or deeper expressions are no comparison that somebody wrote by hand.
const LONGEST: usize = 500;
const DEEPEST: usize = 32;
const MOST: usize = 100;

const HELP: &str = "write a comparison of axes' names, such as \"pods * pool <= 200\"; join several with && or ||; \
                    texts are quoted: \"policy == \\\"Random\\\"\"";

/// A constraint that can be asked about any combination.
#[derive(Clone, Debug)]
pub struct Constraint {
    pub expression: String,
    tree: Node,
}

impl Constraint {
    /// Whether a combination of one value of each axis holds it; `None` where that has no answer.
    pub(super) fn holds(&self, combination: &Combination<'_>) -> Option<bool> {
        holds(&self.tree, combination)
    }
}

/// What an expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Text,
    Truth,
}

/// Why an expression means nothing, and the word of it that is to blame.
struct Fault {
    message: String,
    word: Option<String>,
    help: String,
}

/// The constraints that can be understood; what is wrong with the others is reported.
pub(super) fn constraints(
    written: &[Spanned<String>],
    axes: &[&Axis],
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Vec<Constraint> {
    if let Some(beyond) = written.get(MOST) {
        let message = "an experiment has at most 100 constraints";
        let diagnostic = Diagnostic::error("invalid-constraint", document.place(beyond.span), message);
        diagnostics.push(diagnostic.help("join some of them with &&"));
        return Vec::new();
    }
    let mut constraints = Vec::new();
    for expression in written {
        match read(expression, axes) {
            Ok(tree) => constraints.push(Constraint { expression: expression.value.clone(), tree }),
            Err(fault) => {
                let whole = document.place(expression.span);
                let at = fault.word.as_ref().and_then(|word| Some((whole.text().find(word)?, word.len())));
                let place = at.map_or_else(|| whole.clone(), |(at, length)| whole.part(at, at + length));
                let diagnostic = Diagnostic::error("invalid-constraint", place, fault.message);
                diagnostics.push(diagnostic.help(fault.help));
            }
        }
    }
    constraints
}

fn read(expression: &str, axes: &[&Axis]) -> Result<Node, Fault> {
    let fault = |message: &str| Fault { message: message.to_owned(), word: None, help: HELP.to_owned() };
    if expression.len() > LONGEST || expression.matches('(').count() > DEEPEST {
        return Err(fault("the constraint is too long to be understood"));
    }
    let tree = build_operator_tree(expression).map_err(|error| fault(&unreadable(&error)))?;
    match type_of(&tree, axes)? {
        Type::Truth => Ok(tree),
        Type::Number => Err(fault("the constraint is a number, and neither true nor false")),
        Type::Text => Err(fault("the constraint is a text, and neither true nor false")),
    }
}

fn unreadable(error: &EvalexprError) -> String {
    match error {
        EvalexprError::UnmatchedLBrace => "a bracket is never closed".to_owned(),
        EvalexprError::UnmatchedRBrace => "a bracket was never opened".to_owned(),
        EvalexprError::AppendedToLeafNode | EvalexprError::MissingOperatorOutsideOfBrace => {
            "an operator is missing between two values".to_owned()
        }
        _ => format!("the constraint cannot be read: {}", error.to_string().trim_end_matches('.')),
    }
}

fn type_of(node: &Node, axes: &[&Axis]) -> Result<Type, Fault> {
    use Operator::{Add, And, Const, Div, Eq, Exp, Geq, Gt, Leq, Lt, Mod, Mul, Neg, Neq, Not, Or, RootNode, Sub};
    let fault = |message: &str| Fault { message: message.to_owned(), word: None, help: HELP.to_owned() };
    let children: Vec<Type> = node.children().iter().map(|child| type_of(child, axes)).collect::<Result<_, _>>()?;
    let all = |wanted: Type, count: usize, result: Type| match children.as_slice() {
        children if children.len() != count => Err(fault("something is missing beside an operator")),
        children if children.iter().any(|child| *child != wanted) => Err(fault(match wanted {
            Type::Number => "only numbers can be reckoned with and ordered",
            _ => "only comparisons can be joined or negated",
        })),
        _ => Ok(result),
    };
    match node.operator() {
        RootNode => children.first().copied().ok_or_else(|| fault("there is nothing to compare")),
        Add | Sub | Mul | Div | Mod | Exp => all(Type::Number, 2, Type::Number),
        Neg => all(Type::Number, 1, Type::Number),
        Gt | Lt | Geq | Leq => all(Type::Number, 2, Type::Truth),
        Eq | Neq => match children.as_slice() {
            [one, other] if one == other => Ok(Type::Truth),
            [_, _] => Err(fault("a number and a text are never equal")),
            _ => Err(fault("something is missing beside an operator")),
        },
        And | Or => all(Type::Truth, 2, Type::Truth),
        Not => all(Type::Truth, 1, Type::Truth),
        Const { value } => match value {
            Value::Float(_) | Value::Int(_) => Ok(Type::Number),
            Value::String(_) => Ok(Type::Text),
            Value::Boolean(_) => Ok(Type::Truth),
            Value::Tuple(_) | Value::Empty => Err(fault("there is nothing to compare")),
        },
        Operator::VariableIdentifierRead { identifier } => match axes.iter().find(|axis| axis.name == *identifier) {
            Some(axis) if axis.is_numeric => Ok(Type::Number),
            Some(_) => Ok(Type::Text),
            None => {
                let axes = || axes.iter().map(|axis| axis.name.as_str());
                let known = names::help(identifier, "axes", axes());
                let is_text = names::closest(identifier, axes()).is_none();
                let quoted = format!("; a text is quoted: \\\"{identifier}\\\"");
                Err(Fault {
                    message: format!("there is no axis `{identifier}`"),
                    word: Some(identifier.clone()),
                    help: known + if is_text { &quoted } else { "" },
                })
            }
        },
        Operator::VariableIdentifierWrite { .. } => {
            Err(fault("`=` is no comparison: two values are compared with `==`"))
        }
        _ => Err(fault("a constraint knows comparisons, + - * / % ^, &&, || and !, and nothing else")),
    }
}
