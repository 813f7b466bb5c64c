//! scratch
use tsg_core::placement::rule::Rule;
#[test]
fn look() {
    for text in std::fs::read_to_string("/tmp/scratch/rules.txt").unwrap().lines() {
        match Rule::read(text) {
            Ok(r) => println!(
                "OK  {text:50} {}   {:?} {:?}",
                r.rule,
                r.rule,
                r.hints.iter().map(|h| h.to_string()).collect::<Vec<_>>()
            ),
            Err(e) => println!("ERR {}\n    {}", e.drawing().replace('\n', "\n    "), e),
        }
    }
}
