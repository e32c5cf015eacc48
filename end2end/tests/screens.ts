// What is true of an organization at one moment, and whether every screen says so.

import { expect, type Page } from '@playwright/test';

// --- What is true ----------------------------------------------------------------------------------------------------

/** The status word of each service. */
export type Services = Record<string, string>;

/** What was learned from an incident, in Markdown, and whether visitors may read it. */
export type Learned = { text: string; isPublished: boolean };

/** An incident: where it stands, what was said last and by whom, what it says of services (the worst, once it is over),
 * and what was learned. */
export type Told = {
  title: string;
  status: string;
  newest: string;
  by: string;
  says: Services;
  learned?: Learned;
};

/** The organization at one moment. Incidents stand newest first. */
export type World = { headline: string; services: Services; open: Told[]; past: Told[] };

const brief = ({ title, status }: Told) => ({ title, status });

/** What visitors are told of an incident: not who of the team wrote it. */
const publicly = ({ title, status, newest, says }: Told) => ({ title, status, newest, says });

/** What visitors may read of what was learned, without the marks of Markdown. */
const readable = ({ learned }: Told) => (learned?.isPublished ? learned.text.replaceAll('**', '') : undefined);

/** By which incidents each service is held at its status. */
const held = ({ services, open }: World): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(services).map(([service, status]) => [
      service,
      open.filter(({ says }) => status !== 'Operational' && says[service] === status).map(({ title }) => title),
    ]),
  );

// --- Screens ---------------------------------------------------------------------------------------------------------

export type Kind = 'overview' | 'list' | 'room' | 'public page' | 'permalink';

/** A page somebody has before them. A room and a permalink are about one incident. */
export type Screen = { whose: string; page: Page; kind: Kind; about?: string };

/** What a screen has to show while this is true. */
function due({ kind, about }: Screen, world: World, isLive: boolean): unknown {
  const { headline, services, open, past } = world;
  const told = () => [...open, ...past].find(({ title }) => title === about)!;
  switch (kind) {
    case 'overview':
      return { headline, services, held: held(world), open: open.map(brief) };
    case 'list':
      return { open: open.map(brief), past: past.map(brief) };
    case 'room':
      return {
        ...told(),
        // It can be written once it is over.
        learned: told().status === 'Resolved' ? (told().learned ?? { text: '', isPublished: false }) : undefined,
        // The preview of an update of which nothing is written shows the page as it is.
        headline: isLive ? headline : undefined,
      };
    case 'public page': {
      const card = (told: Told) => ({ ...publicly(told), leadsToLearned: readable(told) !== undefined });
      return { headline, services, open: open.map(card), past: past.map(card) };
    }
    case 'permalink':
      return { ...publicly(told()), learned: readable(told()) };
  }
}

/** What a screen shows. */
const shown = ({ page, kind }: Screen): Promise<unknown> =>
  page.evaluate((kind) => {
    const all = (root: ParentNode, selector: string) => [...root.querySelectorAll(selector)];
    const words = (element: Element | null) => element?.textContent?.replace(/\s+/g, ' ').trim();
    const text = (root: ParentNode, selector: string) => words(root.querySelector(selector));
    const table = <T>(rows: Element[], name: string, value: (row: Element) => T) =>
      Object.fromEntries(rows.map((row) => [text(row, name), value(row)]));
    const under = (heading: RegExp, selector: string) => {
      const section = all(document, 'main section').find((section) => heading.test(text(section, 'h2') ?? ''));
      return section ? all(section, selector) : [];
    };
    const brief = (row: Element) => ({ title: text(row, 'a'), status: text(row, '.incident-mark') });
    const told = (root: ParentNode, title: string) => ({
      title: text(root, title),
      status: text(root, '.incident-mark'),
      newest: text(root, '.update > .prose'),
      says: table(all(root, '.chip'), 'bdi', (chip) => text(chip, '.chip-word')),
    });
    const card = (article: Element) => ({
      ...told(article, 'a'),
      leadsToLearned: article.querySelector('.incident-more > a[href$="#postmortem"]') !== null,
    });
    const services = all(document, 'main li.row');
    switch (kind) {
      case 'overview':
        return {
          headline: text(document, 'main .headline'),
          services: table(services, '.row-name > a', (row) => words(row.querySelector('select')!.selectedOptions[0]!)),
          held: table(services, '.row-name > a', (row) => all(row, '.held-by a').map(words)),
          open: under(/^Open incidents/, '.incident-row').map(brief),
        };
      case 'list':
        return { open: under(/^Open/, '.incident-row').map(brief), past: under(/^Past/, '.incident-row').map(brief) };
      case 'room': {
        const preview = document.querySelector('.room-preview')!;
        const headline = text(preview, '.headline');
        const learned = document.querySelector('form.postmortem');
        const isPublished = learned && all(learned, ':scope > .hint').some((hint) => /^Published /.test(words(hint)!));
        // What stands there too is another drawing of the same incident.
        const main = document.querySelector('main')!.cloneNode(true) as Element;
        main.querySelector('.room-preview')!.remove();
        return {
          ...told(main, 'h1'),
          by: text(main, '.update .update-tools > .meta')?.replace(/^by /, ''),
          learned: learned ? { text: learned.querySelector('textarea')!.value, isPublished } : undefined,
          headline,
        };
      }
      case 'public page':
        return {
          headline: text(document, '[role=status] h1'),
          services: table(all(document, 'main li.service'), '.service-name', (row) => text(row, '.status-badge')),
          open: under(/^Active incidents$/, 'article.incident').map(card),
          past: under(/^Past incidents$/, 'article.incident').map(card),
        };
      case 'permalink':
        return {
          ...told(document.querySelector('main')!, 'h1'),
          learned: text(document, '#postmortem .prose'),
        };
    }
  }, kind);

/** Every screen shows what is true: by itself, if it is live, or after it is loaded again. */
export async function agree(isLive: boolean, screens: Screen[], world: World): Promise<void> {
  const compare = async (screen: Screen) => {
    if (!isLive) await screen.page.reload();
    const { whose, kind, about } = screen;
    const name = `${whose}: the ${kind}${about ? ` of “${about}”` : ''}`;
    await expect.poll(() => shown(screen), name).toEqual(due(screen, world, isLive));
  };
  await Promise.all(screens.map(compare));
}
