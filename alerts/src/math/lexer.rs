//! Text to tokens.

use super::ast::Operator;
use super::parse::MathError;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    Word(String),
    Text(String),
    Operator(Operator),
    Open,
    Close,
    OpenArray,
    CloseArray,
    Comma,
}

/// Tokens with the column each starts at, counted from 1.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, MathError> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let column = at + 1;
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, length) = if c.is_ascii_digit() || c == '.' {
            number(&chars[at..], column)?
        } else if c.is_ascii_alphabetic() {
            word(&chars[at..])
        } else if c == '"' || c == '\'' {
            quoted(&chars[at..], column)?
        } else {
            symbol(&chars[at..])
                .ok_or_else(|| MathError::at(column, format!("`{c}` has no meaning in an expression")))?
        };
        found.push((token, column));
        at += length;
    }
    Ok(found)
}

fn number(chars: &[char], column: usize) -> Result<(Token, usize), MathError> {
    let mut length = 0;
    while let Some(&c) = chars.get(length) {
        let sign_of_exponent = matches!(c, '+' | '-') && length > 0 && matches!(chars[length - 1], 'e' | 'E');
        if !(c.is_ascii_digit() || c == '.' || matches!(c, 'e' | 'E') || sign_of_exponent) {
            break;
        }
        length += 1;
    }
    let text: String = chars[..length].iter().collect();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Number(value), length)),
        _ => Err(MathError::at(column, format!("`{text}` is not a number"))),
    }
}

fn word(chars: &[char]) -> (Token, usize) {
    let length = chars.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
    let text: String = chars[..length].iter().collect();
    let token = match text.as_str() {
        "AND" => Token::Operator(Operator::And),
        "OR" => Token::Operator(Operator::Or),
        _ => Token::Word(text),
    };
    (token, length)
}

fn quoted(chars: &[char], column: usize) -> Result<(Token, usize), MathError> {
    let inside = chars[1..].iter().position(|c| *c == chars[0]);
    let Some(length) = inside else {
        return Err(MathError::at(column, "this quotation mark is never closed"));
    };
    Ok((Token::Text(chars[1..=length].iter().collect()), length + 2))
}

fn symbol(chars: &[char]) -> Option<(Token, usize)> {
    use Operator::{
        Add, And, Divide, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Multiply, NotEqual, Or, Power,
        Subtract,
    };
    let operator = |operator, length| Some((Token::Operator(operator), length));
    match (chars[0], chars.get(1)) {
        ('&', Some('&')) => operator(And, 2),
        ('|', Some('|')) => operator(Or, 2),
        ('=', Some('=')) => operator(Equal, 2),
        ('!', Some('=')) => operator(NotEqual, 2),
        ('<', Some('=')) => operator(LessOrEqual, 2),
        ('>', Some('=')) => operator(GreaterOrEqual, 2),
        ('<', _) => operator(Less, 1),
        ('>', _) => operator(Greater, 1),
        ('+', _) => operator(Add, 1),
        ('-', _) => operator(Subtract, 1),
        ('*', _) => operator(Multiply, 1),
        ('/', _) => operator(Divide, 1),
        ('^', _) => operator(Power, 1),
        ('(', _) => Some((Token::Open, 1)),
        (')', _) => Some((Token::Close, 1)),
        ('[', _) => Some((Token::OpenArray, 1)),
        (']', _) => Some((Token::CloseArray, 1)),
        (',', _) => Some((Token::Comma, 1)),
        _ => None,
    }
}
