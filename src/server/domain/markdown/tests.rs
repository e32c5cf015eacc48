//! Rendering of messages, and that no markup in them is executed.

use proptest::prelude::*;

use super::*;

/// The first fault of rendered HTML, read tag by tag: anything but an allowed element with allowed attributes.
fn fault(html: &str) -> Option<String> {
    let mut open = Vec::new();
    for part in html.split('<').skip(1) {
        let Some((tag, text)) = part.split_once('>') else { return Some(format!("<{part} does not end")) };
        if text.contains('>') {
            return Some(format!("a bare > in {text}"));
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !TAGS.contains(&name) {
            return Some(format!("<{name}> is not on the list"));
        }
        if name != "br" {
            open.push(name);
        }
        if let Some(wrong) = attribute_fault(name, attributes) {
            return Some(format!("<{tag}> {wrong}"));
        }
    }
    (!open.is_empty()).then(|| format!("{open:?} stay open"))
}

fn attribute_fault(name: &str, attributes: &str) -> Option<&'static str> {
    let start = attributes.strip_prefix("start=\"").and_then(|rest| rest.strip_suffix('"'));
    if name == "ol" && start.is_some_and(|start| start.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    if name != "a" {
        return (!attributes.is_empty()).then_some("has attributes");
    }
    let Some(address) = attributes.strip_prefix("href=\"") else { return Some("has no address") };
    let Some((address, rest)) = address.split_once('"') else { return Some("has an address without end") };
    if rest != " rel=\"nofollow ugc noopener\"" {
        return Some("has other attributes");
    }
    let known = SCHEMES.iter().any(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && address[scheme.len()..].starts_with(':')
    });
    (!known).then_some("leads elsewhere")
}

#[test]
fn the_checker_finds_planted_faults() {
    for html in [
        "<script>",
        "<p>",
        "<p></p></p>",
        "<p onclick=\"x\"></p>",
        "<em class=\"x\"></em>",
        "<ol start=\"x\"></ol>",
        "<ul start=\"7\"></ul>",
        "<svg></svg>",
        "<a></a>",
        "<a href=\"javascript:x\" rel=\"nofollow ugc noopener\"></a>",
        "<a href=\"https://a.example\"></a>",
        "<a href=\"https://a.example\" onclick=\"x\" rel=\"nofollow ugc noopener\"></a>",
        "<p",
    ] {
        assert!(fault(html).is_some(), "{html}");
    }
}

#[test]
fn markdown_renders_to_html() {
    let link = |address: &str, text: &str| format!("<a href=\"{address}\" rel=\"nofollow ugc noopener\">{text}</a>");
    for (markdown, html) in [
        ("We know.\nWe work on it.", "<p>We know.<br>\nWe work on it.</p>\n".to_owned()),
        ("One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>\n".into()),
        (
            "**bold** *soft* ~~gone~~ `a < b`",
            "<p><strong>bold</strong> <em>soft</em> <del>gone</del> <code>a &lt; b</code></p>\n".into(),
        ),
        ("# One\n\n## Two", "<h3>One</h3>\n<h3>Two</h3>\n".into()),
        ("### Three\n\n#### Four", "<h3>Three</h3>\n<h4>Four</h4>\n".into()),
        ("##### Five\n\n###### Six", "<h5>Five</h5>\n<h5>Six</h5>\n".into()),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n".into()),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n".into()),
        ("7. a\n8. b", "<ol start=\"7\">\n<li>a</li>\n<li>b</li>\n</ol>\n".into()),
        ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>\n".into()),
        ("```sh\nls <dir>\n```", "<pre><code>ls &lt;dir&gt;\n</code></pre>\n".into()),
        ("a\n\n---\n\nb", "<p>a</p>\n<p>b</p>\n".into()),
        (
            "[Docs](https://a.example/x?a=1&b=2 \"t\")",
            format!("<p>{}</p>\n", link("https://a.example/x?a=1&amp;b=2", "Docs")),
        ),
        ("<https://a.example>", format!("<p>{}</p>\n", link("https://a.example", "https://a.example"))),
        ("<help@a.example>", format!("<p>{}</p>\n", link("mailto:help@a.example", "help@a.example"))),
        ("![Graph](https://a.example/g.png)", format!("<p>{}</p>\n", link("https://a.example/g.png", "Graph"))),
        (
            "![](https://a.example/g.png)",
            format!("<p>{}</p>\n", link("https://a.example/g.png", "https://a.example/g.png")),
        ),
        ("![Graph](g.png)", "<p>Graph</p>\n".into()),
        (
            "[![Graph](https://a.example/g.png)](https://a.example)",
            format!("<p>{}</p>\n", link("https://a.example", "Graph")),
        ),
        ("[here](/relative)", "<p>here</p>\n".into()),
        ("<http://\\a> <http://[::1]/> <http://'\\a>", "<p>http://\\a http://[::1]/ http://'\\a</p>\n".into()),
        ("5 < 6 & <b>7</b>", "<p>5 &lt; 6 &amp; &lt;b&gt;7&lt;/b&gt;</p>\n".into()),
        ("<div>\nshown\n</div>", "<p>&lt;div&gt;<br>\nshown<br>\n&lt;/div&gt;</p>\n".into()),
        ("", String::new()),
    ] {
        assert_eq!(render(markdown), html, "{markdown}");
        assert_eq!(fault(&render(markdown)), None, "{markdown}");
    }
}

#[test]
fn markup_in_a_message_is_not_executed() {
    for attack in [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
        "hello <script>alert(1)</script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img src=x onerror=alert(1)>",
        "a <img src=x onerror=alert(1)> b",
        "<img src=\"x` `<script>alert(1)</script>\"` `>",
        "<svg onload=alert(1)>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](&#x6A;&#x61;vascript&colon;alert(1))",
        "[x](java&Tab;script:alert(1))",
        "[x](java&NewLine;script:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](\u{1}javascript:alert(1))",
        "[x](< javascript:alert(1)>)",
        "[x](javascript&#58;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox(1))",
        "[x](file:///etc/passwd)",
        "[x](//x.example)",
        "[x](\\\\x.example)",
        "[x](https:javascript:alert(1))",
        "[x](https://a.example/\"onmouseover=\"alert(1))",
        "[x](<https://a.example/\" onmouseover=\"alert(1)>)",
        "[x](https://a.example 'a\" onmouseover=\"alert(1)')",
        "[a [b](javascript:alert(1)) c](https://a.example)",
        "[![x](javascript:alert(1))](javascript:alert(2))",
        "![x\" onerror=\"alert(1)](https://a.example/y.png)",
        "![[x](javascript:alert(1))](https://a.example)",
        "[x]: javascript:alert(1)\n\n[x]",
        "<javascript:alert(1)>",
        "<data:text/html,x>",
        "<https://a.example/\"onclick=alert(1)>",
        "<a@b.example?subject=<script>>",
        "<!-- <script>alert(1)</script> -->",
        "<!--><script>alert(1)</script>-->",
        "a <!-- b",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php echo 1 ?>",
        "<!DOCTYPE html><body onload=alert(1)>",
        "<template><script>alert(1)</script></template>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "</p></div></body><script>alert(1)</script>",
        "<b><i><u>never closed",
        "<p style=\"position:fixed\" class=\"x\" id=\"y\">",
        "<textarea></textarea><script>alert(1)</script>",
        "<plaintext>",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "```\"onclick=alert(1)\nx\n```",
        "`</code><script>alert(1)</script>`",
        "# <script>alert(1)</script> {#x onclick=alert(1)}",
        "\u{0}<\u{0}script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<form action=//x.example><input name=password><button>Log in",
        "<base href=//x.example><meta http-equiv=refresh content=0>",
    ] {
        let html = render(attack);
        assert_eq!(fault(&html), None, "{attack} became {html}");
        assert_eq!(fault(&render(&html)), None, "{attack}, rendered twice");
    }
    assert!(render("<script>alert(1)</script>").contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is shown");
    assert!(render("[x](javascript:alert(1))").contains("<p>x</p>"), "its text stays");
}

/// The maximum nesting depth.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in html.split('<').skip(1).filter(|tag| !tag.starts_with("br")) {
        depth = if tag.starts_with('/') { depth.saturating_sub(1) } else { depth + 1 };
        deepest = deepest.max(depth);
    }
    deepest
}

/// Deep nesting or growth would make parsing, sanitizing or drawing slow. Other superlinear work would make this test
/// run forever.
#[test]
fn the_longest_message_stays_shallow_and_small_however_nested() {
    const LONGEST: usize = 25_000;
    let repeated = [
        "[", "](", "![", ">", "> ", "*", "*a ", "**a*b", "_a", "~~a", "<", "`", "``a`", "- ", "1) ", "<a ", "<!--",
        "&", "\u{a0}", "\\", "[a](", "[a](<", "#", "|", "\n", ">\n", "[]: x\n", "<b>", "a\n",
    ];
    let mut messages: Vec<String> = repeated.map(|piece| piece.chars().cycle().take(LONGEST).collect()).to_vec();
    let deeper: Vec<String> = (0..150).map(|depth| format!("{}- x\n", " ".repeat(depth * 2))).collect();
    messages.push(deeper.concat());
    for message in messages {
        // The slowest is a text of `&` only, for which the sanitizer is quadratic.
        let (html, text) = (render(&message), plain(&message));
        let start = message.get(..10).unwrap_or_default();
        assert_eq!(fault(&html), None, "{start:?}");
        // The deepest list may contain an item, and that a paragraph, a link and code.
        assert!(depth(&html) <= DEPTH_MAX + 4, "{start:?} became {} deep", depth(&html));
        assert!(html.len() < LONGEST * 40, "{start:?} made {} bytes of HTML", html.len());
        assert!(text.len() < LONGEST * 40, "{start:?} made {} bytes of text", text.len());
    }
}

#[test]
fn deep_nesting_is_flattened() {
    let html = render(&format!("{} bottom", "> ".repeat(100)));
    assert_eq!(html.matches("<blockquote>").count(), DEPTH_MAX);
    assert!(html.contains("bottom"));
    let list = (0..40).fold(String::new(), |lines, depth| format!("{lines}{}- x{depth}\n", " ".repeat(depth * 2)));
    let html = render(&list);
    assert!(html.contains("x39") && html.matches("<ul>").count() == DEPTH_MAX / 2, "{html}");
    assert_eq!(fault(&html), None);
}

#[test]
fn markdown_renders_to_plain_text() {
    for (markdown, text) in [
        ("We know.\nWe work on it.", "We know.\nWe work on it."),
        ("# Title\nOne **bold** word.\n\n\n\nTwo `code`.", "Title\n\nOne bold word.\n\nTwo code."),
        ("See [the docs](https://a.example/x).", "See the docs (https://a.example/x)."),
        ("See <https://a.example>.", "See https://a.example."),
        ("Ask <help@a.example> or [us](mailto:us@a.example).", "Ask help@a.example or us (us@a.example)."),
        ("![Graph](https://a.example/g.png)", "Graph (https://a.example/g.png)"),
        ("[x](javascript:alert(1))", "x"),
        ("Affected:\n- API\n- Web\n\nThanks.", "Affected:\n\n- API\n- Web\n\nThanks."),
        ("1. one\n2. two\n   - inner\n   - more\n3. three", "1. one\n2. two\n   - inner\n   - more\n3. three"),
        ("7. seven\n8. eight", "7. seven\n8. eight"),
        ("- one\n\n  still one\n- two", "- one\n\n  still one\n- two"),
        ("- a\n  b", "- a\n  b"),
        ("> said\n> so\n>\n> twice", "> said\n> so\n\n> twice"),
        ("> - a\n> - b\n\nc", "> - a\n> - b\n\nc"),
        ("```\nlet a = 1;\n\n  b();\n```\nend", "let a = 1;\n\n  b();\n\nend"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("5 < 6 &amp; <b>7</b>", "5 < 6 & <b>7</b>"),
        ("<div>\nshown\n</div>\n\nend", "<div>\nshown\n</div>\n\nend"),
        ("", ""),
        ("\n \n", ""),
        ("-\n- b", "- b"),
    ] {
        assert_eq!(plain(markdown), text, "{markdown}");
    }
}

proptest! {
    #[test]
    fn any_text_renders_to_allowed_elements_only(message in any::<String>()) {
        let html = render(&message);
        prop_assert_eq!(fault(&html), None, "{}", html);
    }

    #[test]
    fn any_mixture_of_markup_renders_to_allowed_elements_only(
        message in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "\"", "'", "`", "```\n", "*", "**", "_", "~~", "[", "]", "(", ")", "![", "](", "<a href=", "<script>",
            "</script>", "<img onerror=x ", "javascript:", "https://a.example", "data:", "&#106;", "&colon;", "&lt;", "\n",
            "\n\n", "> ", "- ", "1. ", "# ", "<!--", "-->", "<![CDATA[", "]]>", "<svg>", "<style>", "</p>", "\t", "    ",
            "x", " ", "\\", "<a@b.example>", "<http://", "é", "\u{0}", "=", "---\n",
        ]), 0..60),
    ) {
        let html = render(&message.concat());
        prop_assert_eq!(fault(&html), None, "{}", html);
        let text = plain(&message.concat());
        prop_assert!(!text.starts_with('\n') && !text.ends_with('\n'), "{:?}", text);
    }
}
