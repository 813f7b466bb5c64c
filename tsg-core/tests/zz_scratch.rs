//! scratch
use tsg_core::placement::rule::Rule;
#[test]
fn look() {
    let mut out = String::from("# Rules that cannot be read: the rule, the place in it, and what is said about it.\n");
    for text in std::fs::read_to_string("/tmp/scratch/list.txt")
        .unwrap()
        .lines()
        .filter(|l| !l.trim().is_empty() && l.len() < 80)
    {
        let e = Rule::read(text).unwrap_err();
        out += &format!("\n{}\n{e}\n", e.drawing());
    }
    std::fs::write("/work/main/tsg-core/tests/cases/placement_refused.txt", out).unwrap();
}
