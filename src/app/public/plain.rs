//! Rendered Markdown as plain text, for link previews and announcements.

/// Inline tags; all others separate words.
const INLINE: [&str; 7] = ["a", "b", "code", "del", "em", "i", "strong"];

/// The text of sanitized HTML on one line, at most `max` characters, cut at a word.
pub fn plain(html: &str, max: usize) -> String {
    shortened(&unescaped(&without_tags(html)), max)
}

/// Decodes the few entities that sanitized HTML contains; a table of all would make the client larger.
fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let end = end_of(tag);
        let (tag, after) = tag.split_at(end);
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !INLINE.contains(&name) {
            text.push(' ');
        }
        rest = after.strip_prefix('>').unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Where a tag ends: at the first `>` outside its attributes' values.
fn end_of(tag: &str) -> usize {
    let mut is_value = false;
    for (at, c) in tag.char_indices() {
        match c {
            '"' => is_value = !is_value,
            '>' if !is_value => return at,
            _ => {}
        }
    }
    tag.len()
}

/// At most `max` characters of a text on one line, cut at a word.
pub fn shortened(text: &str, max: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let Some((end, _)) = text.char_indices().nth(max) else { return text };
    // Room for the ellipsis, and back to the last whole word; a single long word is cut.
    let kept: String = text[..end].chars().take(max.saturating_sub(1)).collect();
    let kept = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    format!("{}…", kept.trim_end_matches([' ', '.', ',', ';', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_entities_become_words_on_one_line() {
        let html = "<p>Pay<strong>ments</strong> &lt;fail&gt; &amp; we\nlook.</p><ul><li>one</li><li>two</li></ul>";
        assert_eq!(plain(html, 200), "Payments <fail> & we look. one two");
        assert_eq!(
            plain("<p>a<br>b</p><p>see <a href=\"https://x.test/?a>b\" rel=\"nofollow\">this</a>.</p>", 200),
            "a b see this."
        );
        assert_eq!(plain("<p>&amp;lt; &quot;it&#39;s&nbsp;on&quot;</p>", 200), "&lt; \"it's on\"", "unescaped once");
        assert_eq!(plain("", 200), "");
        assert_eq!(plain("cut <p", 200), "cut");
    }

    #[test]
    fn a_long_text_ends_at_a_word_with_an_ellipsis() {
        assert_eq!(plain("<p>one two three</p>", 13), "one two three");
        assert_eq!(plain("<p>one two, three</p>", 12), "one two…");
        let endless = plain(&"é".repeat(300), 200);
        assert_eq!((endless.chars().count(), endless.ends_with("é…")), (200, true));
    }
}
