// The expected state of an organization, and a comparison of every screen with it.

import { expect, type Page } from '@playwright/test';

// --- Expected state -------------------------------------------------------------------------------------------------

/** The status word of each service. */
export type Services = Record<string, string>;

/** A postmortem in Markdown, and whether it is published. */
export type Postmortem = { text: string; isPublished: boolean };

/** An incident: status, latest message and its author, statuses of services (their worst, once it is resolved), and
 * postmortem. */
export type ExpectedIncident = {
  title: string;
  status: string;
  newest: string;
  by: string;
  says: Services;
  postmortem?: Postmortem;
};

/** The expected state of the organization. Incidents are newest first. */
export type World = { headline: string; services: Services; open: ExpectedIncident[]; past: ExpectedIncident[] };

const brief = ({ title, status }: ExpectedIncident) => ({ title, status });

/** What visitors see of an incident: not its authors. */
const publicly = ({ title, status, newest, says }: ExpectedIncident) => ({ title, status, newest, says });

/** The published postmortem as text, without Markdown syntax. */
const readable = ({ postmortem }: ExpectedIncident) =>
  postmortem?.isPublished ? postmortem.text.replaceAll('**', '') : undefined;

/** The incidents that hold each service at its status. */
const held = ({ services, open }: World): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(services).map(([service, status]) => [
      service,
      open.filter(({ says }) => status !== 'Operational' && says[service] === status).map(({ title }) => title),
    ]),
  );

// --- Screens --------------------------------------------------------------------------------------------------------

export type Kind = 'overview' | 'list' | 'room' | 'public page' | 'permalink';

/** An open page. A room and a permalink are about one incident. */
export type Screen = { whose: string; page: Page; kind: Kind; about?: string };

/** What a screen must show in this state. */
function expected({ kind, about }: Screen, world: World, isLive: boolean): unknown {
  const { headline, services, open, past } = world;
  const incident = () => [...open, ...past].find(({ title }) => title === about)!;
  switch (kind) {
    case 'overview':
      return { headline, services, held: held(world), open: open.map(brief) };
    case 'list':
      return { open: open.map(brief), past: past.map(brief) };
    case 'room':
      return {
        ...incident(),
        // A postmortem can be written once the incident is resolved.
        postmortem:
          incident().status === 'Resolved' ? (incident().postmortem ?? { text: '', isPublished: false }) : undefined,
        // The preview of an empty update shows the current page.
        headline: isLive ? headline : undefined,
      };
    case 'public page': {
      const card = (incident: ExpectedIncident) => ({
        ...publicly(incident),
        linksToPostmortem: readable(incident) !== undefined,
      });
      return { headline, services, open: open.map(card), past: past.map(card) };
    }
    case 'permalink':
      return { ...publicly(incident()), postmortem: readable(incident()) };
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
    const shownIncident = (root: ParentNode, title: string) => ({
      title: text(root, title),
      status: text(root, '.incident-mark'),
      newest: text(root, '.update > .prose'),
      says: table(all(root, '.chip'), 'bdi', (chip) => text(chip, '.chip-word')),
    });
    const card = (article: Element) => ({
      ...shownIncident(article, 'a'),
      linksToPostmortem: article.querySelector('.incident-more > a[href$="#postmortem"]') !== null,
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
        const postmortem = document.querySelector('form.postmortem');
        const isPublished =
          postmortem && all(postmortem, ':scope > .hint').some((hint) => /^Published /.test(words(hint)!));
        // The preview shows the same incident again.
        const main = document.querySelector('main')!.cloneNode(true) as Element;
        main.querySelector('.room-preview')!.remove();
        return {
          ...shownIncident(main, 'h1'),
          by: text(main, '.update .update-tools > .meta')?.replace(/^by /, ''),
          postmortem: postmortem ? { text: postmortem.querySelector('textarea')!.value, isPublished } : undefined,
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
          ...shownIncident(document.querySelector('main')!, 'h1'),
          postmortem: text(document, '#postmortem .prose'),
        };
    }
  }, kind);

/** Expects every screen to show this state: by itself if it is live, otherwise after a reload. */
export async function expectScreens(isLive: boolean, screens: Screen[], world: World): Promise<void> {
  const compare = async (screen: Screen) => {
    if (!isLive) await screen.page.reload();
    const { whose, kind, about } = screen;
    const name = `${whose}: the ${kind}${about ? ` of “${about}”` : ''}`;
    await expect.poll(() => shown(screen), name).toEqual(expected(screen, world, isLive));
  };
  await Promise.all(screens.map(compare));
}
