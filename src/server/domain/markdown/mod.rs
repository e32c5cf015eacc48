//! What people write in messages, as HTML that is safe to show to anybody and as text to read.
//!
//! Both come out of the same events. HTML in a message is shown, not obeyed; what is rendered passes a list of the few
//! elements a message needs, so that a fault in one of the two is not yet a hole.

use std::collections::{HashMap, HashSet};

use ammonia::{Builder, Url, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};
use pulldown_cmark_escape::escape_href;

/// The elements a message may consist of.
const TAGS: [&str; 15] =
    ["p", "br", "strong", "em", "del", "code", "pre", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "h5"];

/// Where a link may lead.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// How deep quotes and lists are drawn inside one another; what lies deeper stays, less deep. Browsers and the cleaner
/// take longer than is sensible over thousands.
const DEEPEST: usize = 16;

/// Changes whenever the same message is rendered to other HTML, so that what is stored can be told from what would be.
pub const RENDER_VERSION: i64 = 1;

/// A message as HTML: paragraphs, emphasis, code, lists, quotes, headings from the third level on, and links.
#[must_use]
pub fn render(markdown: &str) -> String {
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, events(markdown).into_iter());
    // Made anew each time: it takes microseconds, and the house has no statics.
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::new())
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"])), ("ol", HashSet::from(["start"]))]))
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow ugc noopener"));
    cleaner.clean(&rendered).to_string()
}

/// A message as text for mail, feeds and previews: without markup, links followed by their address.
#[must_use]
pub fn plain(markdown: &str) -> String {
    let mut page = Plain::default();
    for event in events(markdown) {
        page.take(event);
    }
    page.text
}

/// What a message says, in the form that it is shown in.
fn events(markdown: &str) -> Vec<Event<'_>> {
    let mut shown = Shown::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        shown.take(event);
    }
    shown.events
}

/// Turns what was written into what is shown: HTML into text, images into links, headings into small ones.
#[derive(Default)]
struct Shown<'a> {
    events: Vec<Event<'a>>,
    /// For each element that is open, what ends it.
    open: Vec<Option<Event<'a>>>,
    /// Where the text of the link begins that is open, if one is: links do not hold links.
    link: Option<usize>,
}

impl<'a> Shown<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Html(text) => {
                // A line of a block, whose end the next element makes.
                let line = text.trim_end_matches(['\n', '\r']).to_owned();
                self.events.extend([Event::Text(line.into()), Event::HardBreak]);
            }
            Event::InlineHtml(text) => self.events.push(Event::Text(text)),
            Event::SoftBreak => self.events.push(Event::HardBreak),
            Event::Text(_) | Event::Code(_) | Event::HardBreak => self.events.push(event),
            // A line across says nothing; the others need options that are off.
            Event::Rule
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        let shallow = self.open.len() < DEEPEST;
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

    /// A link to where links may lead, unless it would lie in another.
    fn link(&mut self, link_type: LinkType, address: CowStr<'a>) -> Option<Tag<'a>> {
        let email = link_type == LinkType::Email;
        let dest_url = if email { format!("mailto:{address}").into() } else { address };
        let free = self.link.is_none() && leads_where_links_may(&dest_url);
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

/// Whether an address is of a listed scheme, as it was written and as it is when what has no place in an address is
/// escaped: `http://\\a` loses its host by that, and the cleaner would leave a link to nowhere.
fn leads_where_links_may(address: &str) -> bool {
    let mut escaped = String::with_capacity(address.len());
    let listed = |address: &str| Url::parse(address).is_ok_and(|url| SCHEMES.contains(&url.scheme()));
    let written = escape_href(&mut escaped, address).is_ok();
    // It escapes for HTML too, which whoever reads the HTML undoes.
    listed(address) && written && listed(&escaped.replace("&#x27;", "'").replace("&amp;", "&"))
}

/// Writes events as text.
#[derive(Default)]
struct Plain {
    text: String,
    /// How many line ends to write before anything else.
    ends: usize,
    /// What the lines of the quotes and items that are open begin with.
    margins: Vec<Margin>,
    /// The numbers that the lists that are open have reached, where they have numbers.
    lists: Vec<Option<u64>>,
    /// Where the link that is open leads.
    link: String,
}

/// What lines begin with: the first, when it is still to come, and all others.
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
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) => self.part(2),
            Tag::BlockQuote(_) => {
                self.part(2);
                self.margins.push(Margin { first: None, others: "> ".into() });
            }
            Tag::List(number) => {
                self.part(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(number);
            }
            Tag::Item => {
                self.part(1);
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

    /// A part begins, so many line ends after the one before; the first of an item stands right behind its mark.
    fn part(&mut self, ends: usize) {
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
