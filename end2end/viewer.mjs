// A viewer of a public page: loads its state and follows the live feed as the browser does (src/app/live). Of the state
// it keeps the services; other changes only count. Needs a Node.js with WebSocket: 22, or --experimental-websocket.
import { pause } from './server.mjs';

const RELOAD_SPREAD_MS = 2_000;
/** A socket that says nothing for so long is dead. */
const IDLE_MS = 70_000;

export class Viewer {
  services = new Map();
  seq = 0;
  epoch = 0;
  /** Sockets opened so far. */
  connections = 0;
  /** Called with each event that is applied. */
  onEvent = () => {};
  #announced = { epoch: 0, seq: 0 };
  #attempts = 0;
  #buffered = null;
  #discarded = null;
  #socket = null;
  #isOpen = true;

  constructor(base, slug) {
    this.base = base;
    this.path = `/api/public/${slug}`;
  }

  /** Loads the state and connects. Throws if the state cannot be loaded. */
  async open() {
    this.#replace(await this.#fetch());
    this.#announced = { epoch: this.epoch, seq: this.seq };
    this.#connect();
    return this;
  }

  close() {
    this.#isOpen = false;
    this.#socket?.close();
    this.#socket = null;
  }

  /** Whether what it shows of these services, as the API lists them, is right. */
  shows(services) {
    const same = ({ id, name, description, status }) => {
      const shown = this.services.get(id);
      return shown?.name === name && shown.description === description && shown.status === status;
    };
    return this.services.size === services.length && services.every(same);
  }

  async #fetch() {
    const signal = AbortSignal.timeout(15_000);
    const answer = await fetch(`${this.base}${this.path}/status`, { headers: { 'cache-control': 'no-cache' }, signal });
    if (!answer.ok) throw new Error(`${this.path}/status: ${answer.status}`);
    return answer.json();
  }

  #replace(state) {
    this.services = new Map(state.services.map((service) => [service.id, service]));
    ({ seq: this.seq, epoch: this.epoch } = state);
    this.#discarded = null;
    if (state.outage) void this.#poll();
  }

  #connect() {
    if (!this.#isOpen) return;
    const url = `${this.base.replace(/^http/, 'ws')}${this.path}/live?since=${this.seq}&epoch=${this.epoch}`;
    const socket = new WebSocket(url);
    const opened = performance.now();
    let isHeard = false;
    this.#socket = socket;
    this.connections += 1;
    let idle;
    const wait = () => {
      clearTimeout(idle);
      idle = setTimeout(again, IDLE_MS);
      idle.unref();
    };
    // A socket that cannot be opened reports an error, not always that it is closed.
    const again = async () => {
      if (this.#socket !== socket) return;
      clearTimeout(idle);
      this.#socket = null;
      socket.close();
      if (isHeard && performance.now() - opened > 10_000) this.#attempts = 0;
      const limit = Math.min(2 ** Math.min(this.#attempts, 5), 30);
      this.#attempts += 1;
      await pause(limit * 1000 * Math.random());
      this.#connect();
    };
    wait();
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      isHeard = true;
      wait();
      this.#receive(JSON.parse(data));
    };
    socket.onerror = again;
    socket.onclose = again;
  }

  #receive(frame) {
    if (frame.type === 'hello' && frame.epoch !== this.#announced.epoch) this.#announced = { epoch: frame.epoch, seq: frame.seq };
    else if (frame.seq !== undefined) this.#announced.seq = Math.max(this.#announced.seq, frame.seq);
    if (this.#buffered) this.#buffered.push(frame);
    else this.#handle(frame);
  }

  #handle(frame) {
    const { type, seq, data } = frame;
    if (type === 'hello') return;
    if (type === 'resync') this.#discarded = this.seq;
    if (type === 'resync' || (type === 'ping' && (seq > this.seq || this.#discarded !== null))) return void this.#reload();
    if (type === 'ping' || seq <= this.seq) return;
    const isService = /^service_(created|updated|deleted)$/.test(type);
    if (seq > this.seq + 1 || !(isService || /^incident_/.test(type))) return void this.#reload();
    if (type === 'service_deleted') this.services.delete(data.id);
    else if (isService) this.services.set(data.id, data);
    this.seq = seq;
    this.onEvent(frame);
  }

  async #reload(delay = RELOAD_SPREAD_MS * Math.random()) {
    if (this.#buffered) return;
    this.#buffered = [];
    await pause(delay);
    for (let attempt = 1; this.#isOpen; attempt += 1) {
      const fresh = await this.#fetch().catch(() => null);
      const isStale = fresh?.epoch === this.#announced.epoch && fresh.seq < this.#announced.seq;
      if (isStale) {
        await pause(Math.min(2 ** Math.min(attempt, 5), 30) * 1000 * (0.75 + 0.25 * Math.random()));
        continue;
      }
      const isNewer = fresh && (fresh.seq > this.seq || this.#discarded === this.seq || fresh.epoch !== this.epoch);
      if (isNewer) this.#replace(fresh);
      else if (fresh?.outage) void this.#poll();
      const frames = this.#buffered;
      this.#buffered = null;
      for (const frame of frames) this.#receive(frame);
      return;
    }
  }

  /** Asks again for a state that the server could not check. */
  async #poll() {
    await pause(10_000 + 10_000 * Math.random());
    if (this.#isOpen) await this.#reload(0);
  }
}

/** Opens this many viewers. */
export function viewers(count, base, slug) {
  return Promise.all(Array.from({ length: count }, () => new Viewer(base, slug).open()));
}

/** Waits until all viewers show what `list` returns. Returns how many do not after that time, and how long it took. */
export async function settled(all, list, milliseconds) {
  const began = performance.now();
  for (;;) {
    const services = await list();
    const wrong = all.filter((viewer) => !viewer.shows(services)).length;
    const took = performance.now() - began;
    if (wrong === 0 || took > milliseconds) return { wrong, took };
    await pause(100);
  }
}
