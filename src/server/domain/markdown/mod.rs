//! Markdown: renders messages as sanitized HTML and as plain text.
//!
//! Both are generated from the same parser events. Raw HTML in a message becomes text, and the result is sanitized by
//! an allow-list of elements: two independent defences.

use std::collections::{HashMap, HashSet};

use ammonia::{Builder, Url, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};
use pulldown_cmark_escape::escape_href;

/// The allowed elements.
const TAGS: [&str; 15] =
    ["p", "br", "strong", "em", "del", "code", "pre", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "h5"];

/// The allowed schemes of links.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// The maximum nesting of quotes and lists; deeper ones are flattened. Browsers and the sanitizer are slow with
/// thousands of levels.
const DEPTH_MAX: usize = 16;

/// The version of the renderer: changes whenever the same message renders to different HTML.
pub const RENDER_VERSION: i64 = 1;

/// Renders a message as HTML: paragraphs, emphasis, code, lists, quotes, links, and headings from the third level on.
#[must_use]
pub fn render(markdown: &str) -> String {
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, events(markdown).into_iter());
    // Built for each message: it takes microseconds.
    let mut sanitizer = Builder::empty();
    sanitizer
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::new())
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"])), ("ol", HashSet::from(["start"]))]))
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow ugc noopener"));
    sanitizer.clean(&rendered).to_string()
}

/// Renders a message as plain text for mail, feeds and previews, with addresses after links.
#[must_use]
pub fn plain(markdown: &str) -> String {
    let mut page = Plain::default();
    for event in events(markdown) {
        page.take(event);
    }
    page.text
}

/// The parser events of a message, restricted to what may be shown.
fn events(markdown: &str) -> Vec<Event<'_>> {
    let mut shown = Shown::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        shown.take(event);
    }
    shown.events
}

/// Filters parser events: HTML becomes text, images become links, headings become smaller.
#[derive(Default)]
struct Shown<'a> {
    events: Vec<Event<'a>>,
    /// The end event of each open element; none if the element is dropped.
    open: Vec<Option<Event<'a>>>,
    /// The index where the text of the open link begins, if one is open: links cannot be nested.
    link: Option<usize>,
}

impl<'a> Shown<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Html(text) => {
                // One line of an HTML block.
                let line = text.trim_end_matches(['\n', '\r']).to_owned();
                self.events.extend([Event::Text(line.into()), Event::HardBreak]);
            }
            Event::InlineHtml(text) => self.events.push(Event::Text(text)),
            Event::SoftBreak => self.events.push(Event::HardBreak),
            Event::Text(_) | Event::Code(_) | Event::HardBreak => self.events.push(event),
            // Rules are dropped; the others need options that are off.
            Event::Rule
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        let shallow = self.open.len() < DEPTH_MAX;
        let shown = match tag {
            Tag::Link { link_type, dest_url, .. } => self.link(link_type, dest_url),
            Tag::Image { dest_url, .. } => self.link(LinkType::Inline, dest_url),
            Tag::Heading { level, .. } => {
                let level = level.clamp(HeadingLevel::H3, HeadingLevel::H5);
                Some(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            Tag::HtmlBlock => Some(Tag::Paragraph),
            Tag::Paragraph | Tag::CodeBlock(_) => Some(tag),
            Tag::Item => self.open.last().is_some_and(Option::is_some).then_some(tag),
            Tag::BlockQuote(_) | Tag::List(_) | Tag::Emphasis | Tag::Strong | Tag::Strikethrough if shallow => {
                Some(tag)
            }
            _ => None,
        };
        self.open.push(shown.as_ref().map(|tag| Event::End(tag.to_end())));
        self.events.extend(shown.map(Event::Start));
    }

    fn end(&mut self, tag: TagEnd) {
        let end = self.open.pop().flatten();
        if tag == TagEnd::HtmlBlock {
            self.events.pop_if(|event| *event == Event::HardBreak);
        }
        if end == Some(Event::End(TagEnd::Link)) {
            self.end_link();
        }
        if end.is_none() && tag == TagEnd::Item {
            self.events.push(Event::HardBreak);
        }
        self.events.extend(end);
    }

    /// A link with an allowed scheme, unless it is nested in another.
    fn link(&mut self, link_type: LinkType, address: CowStr<'a>) -> Option<Tag<'a>> {
        let email = link_type == LinkType::Email;
        let dest_url = if email { format!("mailto:{address}").into() } else { address };
        let free = self.link.is_none() && is_allowed_address(&dest_url);
        free.then(|| {
            self.link = Some(self.events.len() + 1);
            Tag::Link { link_type: LinkType::Inline, dest_url, title: "".into(), id: "".into() }
        })
    }

    /// A link without a text, such as an image without a description, shows its address.
    fn end_link(&mut self) {
        let Some(text) = self.link.take() else { return };
        let Some(Event::Start(Tag::Link { dest_url, .. })) = self.events.get(text.saturating_sub(1)) else { return };
        if self.events.len() == text {
            let address = dest_url.clone();
            self.events.push(Event::Text(address));
        }
    }
}

/// Whether an address has an allowed scheme, both as written and after escaping: `http://\\a` loses its host by
/// escaping, and the sanitizer would leave a link without a target.
fn is_allowed_address(address: &str) -> bool {
    let mut escaped = String::with_capacity(address.len());
    let listed = |address: &str| Url::parse(address).is_ok_and(|url| SCHEMES.contains(&url.scheme()));
    let written = escape_href(&mut escaped, address).is_ok();
    // It also escapes for HTML, which the HTML parser undoes.
    listed(address) && written && listed(&escaped.replace("&#x27;", "'").replace("&amp;", "&"))
}

/// Writes events as text.
#[derive(Default)]
struct Plain {
    text: String,
    /// The line breaks to write before the next text.
    ends: usize,
    /// The margins of the open quotes and items.
    margins: Vec<Margin>,
    /// The next number of each open list, if it is numbered.
    lists: Vec<Option<u64>>,
    /// The address of the open link.
    link: String,
}

/// A margin: the prefix of the first line, until it is written, and of all others.
struct Margin {
    first: Option<String>,
    others: String,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.write(&text),
            Event::HardBreak => self.ends += 1,
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) => self.begin_block(2),
            Tag::BlockQuote(_) => {
                self.begin_block(2);
                self.margins.push(Margin { first: None, others: "> ".into() });
            }
            Tag::List(number) => {
                self.begin_block(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(number);
            }
            Tag::Item => {
                self.begin_block(1);
                let number = self.lists.last_mut().and_then(Option::as_mut);
                let first = number.map_or("- ".to_owned(), |number| {
                    let first = format!("{number}. ");
                    *number = number.saturating_add(1);
                    first
                });
                self.margins.push(Margin { others: " ".repeat(first.len()), first: Some(first) });
            }
            Tag::Link { dest_url, .. } => dest_url.trim_start_matches("mailto:").clone_into(&mut self.link),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) | TagEnd::Item => {
                self.margins.pop();
                self.ends = 1;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.ends = 1;
            }
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock => self.ends = 1,
            TagEnd::Link => {
                let link = std::mem::take(&mut self.link);
                if !self.text.ends_with(&link) {
                    self.write(&format!(" ({link})"));
                }
            }
            _ => {}
        }
    }

    /// Begins a block, `ends` line breaks after the previous one; the first block of an item follows its marker.
    fn begin_block(&mut self, ends: usize) {
        if self.margins.last().is_none_or(|margin| margin.first.is_none()) {
            self.ends = self.ends.max(ends);
        }
    }

    fn write(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            self.ends += usize::from(number > 0);
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                continue;
            }
            if self.text.is_empty() || self.ends > 0 {
                let ends = if self.text.is_empty() { 0 } else { self.ends };
                self.text.extend(std::iter::repeat_n('\n', ends));
                for margin in &mut self.margins {
                    self.text.push_str(&margin.first.take().unwrap_or_else(|| margin.others.clone()));
                }
            }
            self.ends = 0;
            self.text.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests;
