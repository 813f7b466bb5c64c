//! Tables for people: columns as wide as their widest cell, two blanks apart.
//!
//! Owns the layout. It must never cut a cell: ids are made to be copied.

/// Rows under a heading.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

/// Blanks between two columns.
const GAP: usize = 2;

impl Table {
    /// A table with these headings and no rows.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// The same table with one more row.
    pub(crate) fn row<const N: usize>(mut self, cells: [String; N]) -> Self {
        self.rows.push(cells.to_vec());
        self
    }

    /// The table as lines of text.
    pub(crate) fn render(&self) -> String {
        let widths = self.widths();
        let lines: Vec<String> = self.rows.iter().map(|row| line(row, &widths)).collect();
        lines.join("\n")
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (0..columns).map(width).collect()
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let padding = width.saturating_sub(cell.chars().count()) + GAP;
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', padding));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let table = Table::new(["ID", "NAME"]).row(["1".into(), "frontend".into()]).row(["100".into(), String::new()]);
        assert_eq!(table.render(), "ID   NAME\n1    frontend\n100");
    }
}
