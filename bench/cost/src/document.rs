//! Tables in a handwritten document. Each table is between two comments and is replaced as a whole.

use anyhow::{Context, Result, ensure};

/// The document with these tables at their marked places.
///
/// A place begins with the comment `<!-- table: NAME -->` and ends with `<!-- end -->`.
pub fn with_tables(document: &str, tables: &[(&str, String)]) -> Result<String> {
    let mut text = document.to_owned();
    for (name, table) in tables {
        let begin = format!("<!-- table: {name} -->\n");
        let (before, rest) =
            text.split_once(&begin).with_context(|| format!("no place for the table {name:?}"))?;
        let (_, after) =
            rest.split_once("<!-- end -->").with_context(|| format!("the place of {name:?} has no end"))?;
        text = format!("{before}{begin}{table}\n<!-- end -->{after}");
    }
    let places = text.matches("<!-- table: ").count();
    ensure!(places == tables.len(), "the document has {places} places for {} tables", tables.len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_replaced_and_the_text_around_it_kept() {
        let old = "a\n<!-- table: t -->\nold\n<!-- end -->\nb\n";
        let new = with_tables(old, &[("t", "| new |".to_owned())]).unwrap();
        assert_eq!(new, "a\n<!-- table: t -->\n| new |\n<!-- end -->\nb\n");
        assert_eq!(with_tables(&new, &[("t", "| new |".to_owned())]).unwrap(), new);
    }

    #[test]
    fn a_table_without_a_place_and_a_place_without_a_table_are_errors() {
        assert!(with_tables("nothing", &[("t", String::new())]).is_err());
        let two = "<!-- table: a -->\n<!-- end --><!-- table: b -->\n<!-- end -->";
        assert!(with_tables(two, &[("a", String::new())]).is_err());
    }
}
