//! Tokens to syntax tree, by operator precedence (Pratt).

use super::ast::{Expr, Filler, Function, NEGATE_BINDING, Operator};
use super::lexer::{Token, tokens};

/// The most characters that CloudWatch takes. Checked before anything else, because the time and the stack that an
/// expression needs grow with its length.
const LONGEST: usize = 1_024;

/// Expressions in alarms are short; this only keeps a malicious one from exhausting the stack.
const DEEPEST: usize = 64;

/// An expression cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct MathError {
    /// Where in the expression, counted from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl MathError {
    pub(crate) fn at(column: usize, message: impl Into<String>) -> Self {
        Self { column, message: message.into() }
    }
}

pub(crate) fn parse(text: &str, ids: &[&str]) -> Result<Expr, MathError> {
    let length = text.chars().count();
    if length > LONGEST {
        let message = format!("expected an expression of at most {LONGEST} characters, found {length}");
        return Err(MathError::at(LONGEST + 1, message));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, next: 0, ids, end: length + 1, depth: 0 };
    let root = parser.expression(0)?;
    match parser.peek() {
        None => Ok(root),
        Some(token) => {
            let message = format!("expected an operator or the end, found {}", describe(token));
            Err(parser.error(message))
        }
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, usize)],
    next: usize,
    ids: &'a [&'a str],
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(_, column)| *column)
    }

    fn error(&self, message: impl Into<String>) -> MathError {
        MathError::at(self.column(), message)
    }

    fn expect(&mut self, token: &Token) -> Result<(), MathError> {
        if self.peek() == Some(token) {
            self.next += 1;
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".to_owned(), describe);
        Err(self.error(format!("expected {}, found {found}", describe(token))))
    }

    fn expression(&mut self, least: u8) -> Result<Expr, MathError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(format!("nested more than {DEEPEST} deep")));
        }
        let mut left = self.operand()?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            let (binds_left, binds_right) = operator.binding();
            if binds_left < least {
                break;
            }
            self.next += 1;
            let right = self.expression(binds_right)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, MathError> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.error("expected a metric id, a number or a function, found the end"));
        };
        match token {
            Token::Number(value) => {
                self.next += 1;
                Ok(Expr::Number(value))
            }
            Token::Operator(Operator::Subtract) => {
                self.next += 1;
                Ok(Expr::Negate(Box::new(self.expression(NEGATE_BINDING)?)))
            }
            Token::Open => {
                self.next += 1;
                let inner = self.expression(0)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Token::OpenArray => {
                self.next += 1;
                self.list(&Token::CloseArray).map(Expr::Array)
            }
            Token::Word(word) => self.word(&word),
            other => Err(self
                .error(format!("expected a metric id, a number or a function, found {}", describe(&other)))),
        }
    }

    fn word(&mut self, word: &str) -> Result<Expr, MathError> {
        let is_call = self.tokens.get(self.next + 1).is_some_and(|(token, _)| *token == Token::Open);
        if is_call {
            return self.call(word);
        }
        let Some(index) = self.ids.iter().position(|id| *id == word) else {
            let known = self.ids.join(", ");
            return Err(self.error(format!("no metric has the id `{word}`; the ids are {known}")));
        };
        self.next += 1;
        Ok(Expr::Metric(index))
    }

    fn call(&mut self, name: &str) -> Result<Expr, MathError> {
        let column = self.column();
        let Some(function) = Function::named(name) else {
            return Err(self.error(unknown_function(name)));
        };
        self.next += 2;
        match function {
            Function::Metrics => return self.metrics(),
            Function::Fill => return self.fill(),
            _ => {}
        }
        let arguments = self.list(&Token::Close)?;
        let (least, most) = function.arguments();
        if !(least..=most).contains(&arguments.len()) {
            let wanted = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            return Err(MathError::at(
                column,
                format!("{name} takes {wanted} arguments, found {}", arguments.len()),
            ));
        }
        Ok(Expr::Call(function, arguments))
    }

    /// `METRICS()` means the rule's metrics. It is expanded here and never reaches evaluation.
    fn metrics(&mut self) -> Result<Expr, MathError> {
        let wanted = match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.next += 1;
                text
            }
            _ => String::new(),
        };
        self.expect(&Token::Close)?;
        let chosen: Vec<Expr> = (0..self.ids.len())
            .filter(|index| self.ids[*index].contains(&wanted))
            .map(Expr::Metric)
            .collect();
        if chosen.is_empty() {
            return Err(self.error(format!("no metric id contains `{wanted}`")));
        }
        Ok(Expr::Array(chosen))
    }

    fn fill(&mut self) -> Result<Expr, MathError> {
        let filled = self.expression(0)?;
        self.expect(&Token::Comma)?;
        let filler = match self.peek() {
            Some(Token::Word(word)) if word == "REPEAT" => {
                self.next += 1;
                Filler::Repeat
            }
            Some(Token::Word(word)) if word == "LINEAR" => {
                self.next += 1;
                Filler::Linear
            }
            _ => Filler::With(Box::new(self.expression(0)?)),
        };
        self.expect(&Token::Close)?;
        Ok(Expr::Fill(Box::new(filled), filler))
    }

    /// Comma-separated expressions up to and with `close`.
    fn list(&mut self, close: &Token) -> Result<Vec<Expr>, MathError> {
        let mut items = vec![self.expression(0)?];
        while self.peek() == Some(&Token::Comma) {
            self.next += 1;
            items.push(self.expression(0)?);
        }
        self.expect(close)?;
        Ok(items)
    }
}

fn unknown_function(name: &str) -> String {
    let upper = name.to_uppercase();
    if Function::named(&upper).is_some() {
        return format!("functions are written in upper case: `{upper}`");
    }
    let known: Vec<&str> = Function::ALL.iter().map(|function| function.name()).collect();
    format!("`{name}` is not a function that alarms can use here; known are {}", known.join(", "))
}

fn describe(token: &Token) -> String {
    match token {
        Token::Number(value) => format!("`{value}`"),
        Token::Word(word) => format!("`{word}`"),
        Token::Text(text) => format!("\"{text}\""),
        Token::Operator(_) => "an operator".to_owned(),
        Token::Open => "`(`".to_owned(),
        Token::Close => "`)`".to_owned(),
        Token::OpenArray => "`[`".to_owned(),
        Token::CloseArray => "`]`".to_owned(),
        Token::Comma => "`,`".to_owned(),
    }
}
