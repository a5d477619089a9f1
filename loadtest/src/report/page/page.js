'use strict';
// Draws the report that stands in the page. Text is set as text: servers have their say in it.

const source = document.getElementById('report');
const report = JSON.parse(source.textContent);
const SHOWN = 200; // rows of a long table
const POINTS = 900; // of a line; in longer runs a point stands for several seconds
const BUSY = 0.9; // share of the time above which the tester is the limit

// ---- Building blocks

function element(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function shape(name, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const by = (id) => document.getElementById(id);
const show = (id, ...children) => { by(id).hidden = false; by(id).replaceChildren(...children); };
const known = (value) => typeof value === 'number' && Number.isFinite(value);
const percentOf = (part, whole) => (whole > 0 ? (part / whole) * 100 : null);

// ---- Numbers for people

const GAP = '\u202f';

function grouped(value, decimals = 0) {
  const [whole, rest] = Math.abs(value).toFixed(decimals).split('.');
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, GAP);
  return (value < 0 ? '\u2212' : '') + digits + (rest ? '.' + rest : '');
}

function short(value) {
  if (!known(value)) return '–';
  for (const [size, letter] of [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (Math.abs(value) >= size) return significant(value / (letter === 'k' ? 1e3 : size)) + GAP + letter;
  }
  return significant(value);
}

function significant(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100 || Number.isInteger(value)) return grouped(value);
  if (size >= 10) return grouped(value, 1);
  if (size >= 0.1) return grouped(value, 2).replace(/\.?0+$/, '');
  return String(Number(value.toPrecision(2)));
}

const count = (value) => (!known(value) ? '–' : value >= 1e7 ? short(value) : grouped(value));
const percent = (value) => (known(value) ? significant(value) + GAP + '%' : '–');
const cores = (value) => (known(value) ? value.toFixed(2) : '–');
const us = (value) => (known(value) ? value.toFixed(2) + GAP + 'µs' : '–');
const seconds = (value) => (known(value) ? grouped(value, value < 100 ? 1 : 0) + GAP + 's' : '–');

function ms(value) {
  if (!known(value)) return '–';
  return Math.abs(value) >= 1e4 ? seconds(value / 1e3) : grouped(value, Math.abs(value) < 1e3 ? 1 : 0) + GAP + 'ms';
}

function bytes(value) {
  if (!known(value)) return '–';
  for (const [size, unit, decimals] of [[1e9, 'GB', 2], [1e6, 'MB', 1], [1e3, 'kB', 1]]) {
    if (Math.abs(value) >= size) return grouped(value / size, decimals) + GAP + unit;
  }
  return grouped(value) + GAP + 'B';
}

function withUnit(value, unit) {
  if (!known(value)) return 'nothing';
  if (unit === 'ms') return ms(value);
  return significant(value) + (unit ? GAP + unit : '');
}

const clock = (value) => (report.duration_s <= 180
  ? value + GAP + 's'
  : Math.floor(value / 60) + ':' + String(Math.round(value % 60)).padStart(2, '0'));

// ---- Tables

// Columns: { name, number, short, cell(row), sort(row) }. Cells are text or nodes; short ones stay on a line.
function table(columns, rows, caption) {
  const head = element('thead', {}, element('tr', {}, ...columns.map((column) =>
    element('th', { scope: 'col', class: column.number && 'number' }, column.name))));
  const body = element('tbody', {}, ...rows.map((row) => tableRow(columns, row)));
  return element('table', { 'aria-label': caption }, head, body);
}

function tableRow(columns, row) {
  return element('tr', {}, ...columns.map((column, index) => element(index ? 'td' : 'th', {
    scope: index ? null : 'row', class: column.number ? 'number' : column.short ? 'short' : 'long',
  }, column.cell(row))));
}

function pairs(rows, caption) {
  const body = rows.map(([name, value]) => element('tr', {},
    element('th', { scope: 'row' }, name), element('td', { class: 'number' }, value)));
  return element('table', { 'aria-label': caption }, element('tbody', {}, ...body));
}

function sortable(columns, rows, caption, first) {
  let order = first;
  const made = table(columns, [], caption);
  const heads = [...made.tHead.rows[0].cells];
  const redraw = () => {
    const keys = [order, ...first.then];
    const sorted = [...rows].sort((a, b) => compare(keys, a, b)).slice(0, SHOWN);
    made.tBodies[0].replaceChildren(...sorted.map((row) => tableRow(columns, row)));
    heads.forEach((head, index) => {
      if (columns[index] !== order.column) head.removeAttribute('aria-sort');
      else head.setAttribute('aria-sort', order.down ? 'descending' : 'ascending');
    });
  };
  columns.forEach((column, index) => {
    const button = element('button', { type: 'button' }, column.name);
    button.addEventListener('click', () => {
      const same = order.column === column;
      order = { column, down: same ? !order.down : Boolean(column.number) };
      redraw();
    });
    heads[index].replaceChildren(button);
  });
  redraw();
  return made;
}

function compare(keys, a, b) {
  for (const { column, down } of keys) {
    const [x, y] = [column.sort(a), column.sort(b)];
    // What was not measured is last either way.
    if (x === null || y === null) { if (x !== y) return x === null ? 1 : -1; continue; }
    const step = typeof x === 'string' ? x.localeCompare(y, 'en', { numeric: true }) : x - y;
    if (step) return down ? -step : step;
  }
  return 0;
}

const mark = (held) => element('span', { class: held ? 'good' : 'bad' }, held ? '✓ held' : '✗ broken');

// ---- Header

function header() {
  const [word, kind] = report.aborted !== null ? ['ABORTED', 'warn'] : report.passed ? ['PASSED', 'good'] : ['FAILED', 'bad'];
  document.title = `${word.toLowerCase()}: ${report.scenario} – load test`;
  by('verdict').textContent = word;
  by('verdict').classList.add(kind);
  by('scenario').textContent = report.scenario || 'Load test';
  by('summary').textContent = report.summary;
  const plan = report.plan;
  const about = [
    ['Server', `${report.server} (${report.protocol})`],
    ['Started', report.started.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')],
    ['Duration', `${seconds(report.duration_s)}, ${steadyTime()}`],
    ['Rooms', count(plan.rooms)],
    ['Participants', `${count(plan.participants)}, ${count(plan.publishers)} publish`],
    ['Tracks', count(plan.tracks)],
    ['Subscriptions', count(plan.subscriptions)],
    ['Seed', String(report.seed)],
    ['Tester', `plenary-load ${report.tester_version}`],
  ];
  by('about').replaceChildren(...about.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  notices();
}

const steadyTime = () => (report.steady_to_s > report.steady_from_s
  ? `steady from ${significant(report.steady_from_s)} to ${significant(report.steady_to_s)}${GAP}s` : 'no steady time');

function notices() {
  const lines = [];
  if (report.aborted !== null) lines.push(`The run ended early: ${report.aborted}`);
  const busiest = report.tester_cost.busiest_thread;
  if (busiest > BUSY) lines.push(`The tester is the limit: its busiest thread worked ${percent(busiest * 100)} of the time, and latencies are its own.`);
  by('notices').replaceChildren(...lines.map((line) => element('p', { class: 'notice', role: 'note' }, line)));
}

function bars() {
  if (!report.bars.length) return show('bars', element('p', { class: 'note' }, 'No bars were set.'));
  show('bars', table([
    { name: 'Bar', cell: (bar) => bar.meaning },
    { name: 'Limit', number: true, cell: (bar) => withUnit(bar.limit, bar.unit) },
    { name: 'Measured', number: true, cell: (bar) => withUnit(bar.measured, bar.unit) },
    { name: '', number: true, cell: (bar) => mark(bar.held) },
  ], report.bars, 'Bars'));
}

// ---- Key figures

function tiles() {
  const broken = new Set(report.bars.filter((bar) => !bar.held).map((bar) => bar.name));
  const made = figures().filter((figure) => figure !== null).map(([name, value, more, bar]) => {
    const kind = bar === 'busy' ? (report.tester_cost.busiest_thread > BUSY ? 'is-warn' : '') : broken.has(bar) ? 'is-bad' : '';
    return element('div', { class: 'tile ' + kind },
      element('div', { class: 'name' }, name), element('div', { class: 'value' }, value), element('div', { class: 'more' }, more));
  });
  by('tiles').replaceChildren(...made);
}

function figures() {
  const { steady, totals, decoded, server_cost: cost, tester_cost: tester, direct } = report;
  const span = report.steady_to_s - report.steady_from_s;
  const due = steady.packets_lost + steady.packets_received;
  return [
    distributionTile('Video latency', report.video_latency_ms, 'video_latency_p99_ms'),
    distributionTile('Audio latency', report.audio_latency_ms, 'audio_latency_p99_ms'),
    direct && ['Added by the server', ms(direct.added_p50_ms), `to pictures, p99 ${ms(direct.added_p99_ms)}`],
    distributionTile('Lip sync', report.lip_sync_ms, 'out_of_step_s'),
    distributionTile('Join', report.join_ms, 'join_failures_percent'),
    distributionTile('First picture', report.first_frame_ms, 'first_frame_p99_ms'),
    ['Frozen', percent(percentOf(steady.frozen_s, steady.watched_s)), `${count(steady.freezes)} freezes, ${seconds(steady.frozen_s)}`, 'frozen_percent'],
    ['Lost', percent(percentOf(steady.packets_lost, due)), `${count(steady.packets_lost)} of ${count(due)} packets`, 'loss_percent'],
    span > 0 ? ['Received', `${short(steady.packets_received / span)}/s`, `packets, ${short((steady.bytes_received * 8) / span / 1e6)}${GAP}Mbit/s of payload`] : null,
    ['Decoded right', percent(decodedRight()), `${count(decoded.pictures)} pictures, ${count(decoded.tones)} tones`, 'wrong'],
    cost && ['Server per packet', us(cost.cpu_us_per_packet), `${us(cost.cpu_system_us_per_packet)} of it in the kernel`],
    cost && ['A core forwards', `${short(cost.packets_per_core_second)}/s`, `packets, ${short(cost.bits_per_core_second / 1e6)}${GAP}Mbit/s of payload`],
    cost && ['Server memory', bytes(cost.rss_peak_bytes), `${bytes(cost.rss_per_participant_bytes)} per participant`],
    ['Tester busy', percent(Math.round(tester.busiest_thread * 100)), `its busiest of ${count(tester.threads)} threads`, 'busy'],
    totals.join_failures + totals.disconnects > 0
      ? ['Connections lost', count(totals.disconnects), `${count(totals.join_failures)} failed joins, ${count(totals.reconnects)} came back`] : null,
  ];
}

// Rounded down: a hundred is said only if all were right.
function decodedRight() {
  const of = report.decoded;
  const share = percentOf(of.pictures_right + of.tones_right, of.pictures + of.tones);
  return share === null ? null : Math.floor(share * 100) / 100;
}

function distributionTile(name, of, bar) {
  if (!of.count) return null;
  return [`${name}, median`, ms(of.p50), `p99 ${ms(of.p99)}, max ${ms(of.max)}`, bar];
}

// ---- Plots over time

// What the seconds come to in points: the worst of a latency, the mean of a rate, the sum of events.
const many = Math.max(1, Math.ceil(report.seconds.length / POINTS));
const merge = {
  worst: (values) => Math.max(...values),
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
};

function series(name, color, how, of, text) {
  const points = [];
  for (let at = 0; at < report.seconds.length; at += many) {
    const values = report.seconds.slice(at, at + many).map(of).filter(known);
    points.push(values.length ? merge[how](values) : null);
  }
  return { name, color: `var(--${color})`, how, points, text };
}

const times = report.seconds.filter((_, index) => index % many === 0).map((second) => second.second);

function percentile(medium, figure, color) {
  const of = (second) => (second[`${medium}_latency_ms`].count ? second[`${medium}_latency_ms`][figure] : null);
  return { ...series(`${medium} ${figure}`, color, 'worst', of), label: figure === 'p50' ? null : figure };
}

function plotList() {
  const plan = report.plan;
  const lastOf = (whole) => (value) => count(Math.round((value * whole) / 100));
  const share = (name, color, field, whole) => (whole > 0
    ? series(name, color, 'mean', (second) => (second[field] / whole) * 100, lastOf(whole))
    : series(name, color, 'mean', () => null));
  const perPoint = many > 1 ? `in ${many} s` : 'per second';
  return [
    {
      title: 'Latency', unit: 'ms', text: (value) => grouped(value, 1), axis: short, series: [
        percentile('video', 'p50', 'blue-1'), percentile('video', 'p90', 'blue-2'), percentile('video', 'p99', 'blue-3'),
        percentile('audio', 'p50', 'orange-1'), percentile('audio', 'p99', 'orange-2'),
      ],
    },
    { title: 'Pictures received, by encoding', unit: 'per second', text: short, axis: short, stacked: true, series: encodings() },
    {
      title: 'Freezes and findings', unit: perPoint, text: count, axis: short, columns: true, series: [
        series('freezes', 'blue-2', 'sum', (second) => second.freezes), series('findings', 'red', 'sum', (second) => second.findings),
      ],
    },
    {
      title: 'Packets', unit: 'per second', text: short, axis: short, series: [
        series('into the server', 'orange-2', 'mean', (second) => second.packets_sent),
        series('out to subscribers', 'blue-2', 'mean', (second) => second.packets_received),
      ],
    },
    {
      title: 'Loss', unit: '% of packets due', text: percent, axis: short, area: true, series: [
        series('lost', 'red', 'mean', (second) => percentOf(second.packets_lost, second.packets_lost + second.packets_received)),
      ],
    },
    {
      title: 'Processor', unit: 'cores', text: cores, axis: short, series: [
        series('server', 'blue-2', 'mean', (second) => second.server_cpu),
        series('of it in the kernel', 'blue-1', 'mean', (second) => second.server_cpu_system),
        series('tester', 'grey', 'mean', (second) => second.tester_cpu),
      ],
    },
    {
      title: 'Server memory', unit: 'resident', text: bytes, axis: bytesAxis, area: true,
      series: [series('resident', 'purple', 'worst', (second) => second.server_rss_bytes)],
    },
    {
      title: 'Participants and subscriptions', unit: '% of the plan', axis: short, text: count, series: [
        { ...share('connected', 'orange-1', 'connected', plan.participants), wide: true },
        share('subscriptions live', 'blue-2', 'subscriptions', plan.subscriptions),
      ],
    },
  ];
}

const bytesAxis = (value) => (value ? bytes(value).replace(/\.0+(?=\D)/, '') : '0');

function encodings() {
  const most = Math.max(0, ...report.seconds.map((second) => second.frames_by_encoding.length));
  const names = most === 1 ? ['only one'] : ['lowest', 'second', 'third', 'fourth'];
  if (most > 1) names[most - 1] = 'highest';
  const colors = most > 3 ? ['teal-1', 'teal-2', 'teal-3', 'teal-4'] : ['teal-1', 'teal-2', 'teal-3'];
  return Array.from({ length: most }, (_, at) =>
    series(names[at] || `number ${at + 1}`, colors[Math.min(at, colors.length - 1)], 'mean', (second) => second.frames_by_encoding[at] || 0));
}

const crosses = []; // what each plot does when a second is pointed at

function point(index) {
  for (const cross of crosses) cross(index);
}

function plot(what) {
  const values = what.series.map((line) => element('b', { style: `min-width:${longest(line, what)}ch` }));
  const at = element('span', { class: 'at' });
  const items = what.series.map((line, index) => element('li', {},
    element('i', { style: `background:${line.color}` }), line.label || line.name, values[index]));
  const svg = shape('svg', { role: 'img', tabindex: 0, 'aria-label': describe(what) });
  const figure = element('figure', {},
    element('figcaption', {}, element('h3', {}, what.title), element('span', { class: 'unit' }, what.unit), at),
    element('ul', { class: 'legend' }, ...items), svg);
  let frame = null;
  let cross = null;
  const draw = () => { [frame, cross] = drawPlot(svg, what, figure.clientWidth || 560); };
  crosses.push((index) => {
    const off = index === null;
    at.textContent = !off ? moment(index) : report.steady_to_s > report.steady_from_s ? `steady ${what.columns ? 'total' : 'mean'}` : '';
    what.series.forEach((line, number) => {
      const value = off ? summary(line) : line.points[index];
      values[number].textContent = known(value) ? (line.text || what.text)(value) : off ? '' : '–';
    });
    if (!cross) return;
    cross.setAttribute('visibility', off ? 'hidden' : 'visible');
    if (!off) cross.setAttribute('transform', `translate(${frame.x(frame.middle(index))},0)`);
  });
  listen(svg, () => frame);
  return [figure, draw];
}

const moment = (index) => (many > 1 ? `from ${clock(times[index])}` : `second ${times[index]}`);
const steadyPoints = (line) => line.points.filter((value, index) => known(value) && inSteady(times[index]));
const longest = (line, what) => Math.max(3, ...line.points.filter(known).map((value) => (line.text || what.text)(value).length));

// What a legend shows while no second is pointed at.
function summary(line) {
  const inside = steadyPoints(line);
  return inside.length ? merge[line.how === 'sum' ? 'sum' : 'mean'](inside) : null;
}

function listen(svg, frame) {
  let index = null;
  const go = (to) => { index = to; point(to); };
  const last = times.length - 1;
  svg.addEventListener('pointermove', (event) => {
    if (last < 0) return;
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * frame().width;
    go(Math.max(0, Math.min(last, frame().index(x))));
  });
  svg.addEventListener('pointerleave', () => go(null));
  svg.addEventListener('blur', () => go(null));
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || last < 0) return;
    event.preventDefault();
    go(Math.max(0, Math.min(last, (index === null ? (step > 0 ? -1 : last + 1) : index) + step)));
  });
}

function describe(what) {
  const parts = what.series.map((line) => {
    const inside = steadyPoints(line);
    if (!inside.length) return `${line.name} not measured`;
    const text = line.text || what.text;
    return `${line.name} ${text(summary(line))} ${line.how === 'sum' ? 'in all' : 'on average'}, ${text(largest(inside))} at most`;
  });
  return `${what.title}, ${what.unit}, over time. In the steady time: ${parts.join('; ')}.`;
}

const inSteady = (time) => time >= report.steady_from_s && time < report.steady_to_s;

const HEIGHT = 190;
const EDGE = { left: 50, right: 8, top: 8, bottom: 22 };

function drawPlot(svg, what, width) {
  const lines = what.stacked ? stack(what.series) : what.series;
  const all = lines.flatMap((line) => line.points).filter(known);
  const top = niceTop(largest(all), what.columns);
  const frame = makeFrame(width, top.value);
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  svg.replaceChildren(...background(frame, top, what.axis));
  if (!all.length) {
    svg.append(shape('text', { x: (EDGE.left + width) / 2, y: HEIGHT / 2, class: 'none' }, 'nothing measured'));
    return [frame, null];
  }
  const drawn = what.columns ? columns(frame, lines) : lines.flatMap((line, index) => {
    const below = what.stacked ? (index ? lines[index - 1].points : lines[0].points.map(() => 0)) : null;
    return curve(frame, line, below, what.area);
  });
  const cross = shape('g', { visibility: 'hidden' },
    shape('line', { class: 'cross', y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
  svg.append(...drawn, cross);
  return [frame, cross];
}

const largest = (values) => values.reduce((most, value) => Math.max(most, value), 0);

function stack(lines) {
  const sums = new Array(times.length).fill(0);
  return lines.map((line) => ({ ...line, points: line.points.map((value, at) => (sums[at] += value || 0)) }));
}

function makeFrame(width, top) {
  const first = times.length ? times[0] : 0;
  const end = times.length ? times[times.length - 1] + many : Math.max(1, report.duration_s);
  const [left, right] = [EDGE.left, width - EDGE.right];
  const [floor, roof] = [HEIGHT - EDGE.bottom, EDGE.top];
  const x = (time) => left + ((Math.max(first, Math.min(end, time)) - first) / (end - first)) * (right - left);
  return {
    width, left, right, floor, roof, first, end, x,
    y: (value) => floor - (value / top) * (floor - roof),
    middle: (index) => times[index] + many / 2,
    index: (place) => Math.floor((((place - left) / (right - left)) * (end - first)) / many),
  };
}

function niceTop(most, whole) {
  if (!(most > 0)) return { value: 1, step: 1 };
  const rough = most / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= rough * 0.999);
  if (whole) step = Math.max(1, Math.ceil(step));
  return { value: Math.ceil((most / step) * 0.999) * step, step };
}

function background(frame, top, text) {
  const made = [];
  const { steady_from_s: from, steady_to_s: to } = report;
  if (to > from) {
    const start = frame.x(from);
    made.push(shape('rect', { class: 'steady', x: start, y: frame.roof, width: Math.max(0, frame.x(to) - start), height: frame.floor - frame.roof }));
  }
  for (let at = 0; at <= Math.round(top.value / top.step); at += 1) {
    const value = Number((at * top.step).toPrecision(10));
    made.push(shape('line', { class: at ? 'grid' : 'axis', x1: frame.left, x2: frame.right, y1: frame.y(value), y2: frame.y(value) }));
    made.push(shape('text', { x: frame.left - 6, y: frame.y(value) + 4, 'text-anchor': 'end' }, text(value)));
  }
  const step = timeStep(frame.end - frame.first, (frame.right - frame.left) / 60);
  for (let time = Math.ceil(frame.first / step) * step; time <= frame.end; time += step) {
    const anchor = frame.x(time) > frame.right - 16 ? 'end' : 'middle';
    made.push(shape('text', { x: frame.x(time), y: HEIGHT - 6, 'text-anchor': anchor }, clock(time)));
  }
  return made;
}

function timeStep(span, most) {
  const steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  return steps.find((step) => span / step <= most) || steps[steps.length - 1];
}

// A line, or an area down to what is below it. It breaks where nothing was measured.
function curve(frame, line, below, filled) {
  const runs = [];
  line.points.forEach((value, index) => {
    if (!known(value)) return;
    if (!index || !known(line.points[index - 1])) runs.push([]);
    runs[runs.length - 1].push(index);
  });
  const place = (index, value) => `${frame.x(frame.middle(index)).toFixed(1)},${frame.y(value).toFixed(1)}`;
  return runs.flatMap((run) => {
    const over = run.map((index) => place(index, line.points[index]));
    const made = [];
    if (below || filled) {
      const under = run.map((index) => place(index, below ? below[index] : 0)).reverse();
      made.push(shape('path', { d: `M${over.join('L')}L${under.join('L')}Z`, style: `fill:${line.color}`, 'fill-opacity': below ? 0.85 : 0.15 }));
    }
    if (!below) {
      const path = over.length > 1 ? over.join('L') : `${over[0]}h0.01`;
      made.push(shape('path', { class: line.wide ? 'line wide' : 'line', d: 'M' + path, style: `stroke:${line.color}` }));
    }
    return made;
  });
}

function columns(frame, lines) {
  const slot = ((frame.right - frame.left) / Math.max(1, times.length)) * 0.9;
  const wide = Math.max(1, Math.min(14, slot / lines.length));
  return lines.flatMap((line, number) => line.points.map((value, index) => {
    if (!known(value) || value <= 0) return null;
    const x = frame.x(frame.middle(index)) + (number - lines.length / 2) * wide;
    return shape('rect', { x, y: frame.y(value), width: Math.max(1, wide - 0.5), height: frame.floor - frame.y(value), style: `fill:${line.color}` });
  })).filter((column) => column !== null);
}

function plots() {
  const made = plotList().map(plot);
  by('plots').replaceChildren(...made.map(([figure]) => figure));
  const each = many > 1 ? ` Each point stands for ${many} seconds: the worst of latencies, the mean of rates.` : '';
  by('plots-note').textContent = 'Shaded: the steady time, from which bars and averages are taken. Point at a plot to read a second in all of them.' + each;
  const drawAll = () => { point(null); made.forEach(([, draw]) => draw()); };
  drawAll();
  redrawOnResize(by('plots'), drawAll);
}

function redrawOnResize(node, draw) {
  let width = node.clientWidth;
  new ResizeObserver(() => {
    if (node.clientWidth === width) return;
    width = node.clientWidth;
    draw();
  }).observe(node);
}

// ---- Search for the limit

function limit() {
  const steps = report.limit_search;
  if (!steps.length) return;
  by('limit').hidden = false;
  show('limit-table', table([
    { name: 'Size', number: true, cell: (step) => count(step.size) },
    { name: 'Participants', number: true, cell: (step) => count(step.participants) },
    { name: 'Packets/s', number: true, cell: (step) => count(step.packets_per_second) },
    { name: 'Server cores', number: true, cell: (step) => cores(step.server_cpu) },
    { name: 'Tester busy', number: true, cell: (step) => percent(Math.round(step.busiest_thread * 100)) },
    { name: '', number: true, cell: (step) => mark(step.passed) },
    { name: 'Broken bars', cell: (step) => step.broken_bars.join(', ') },
  ], steps, 'Sizes tried'));
  const svg = shape('svg', { role: 'img', 'aria-label': 'Packets per second over the size: ' + [...steps].sort((a, b) => a.size - b.size).map((step) =>
    `${step.size}: ${short(step.packets_per_second)}, ${step.passed ? 'held' : 'broken'}`).join('; ') });
  show('limit-plot', element('figure', {},
    element('figcaption', {}, element('h3', {}, 'Packets'), element('span', { class: 'unit' }, 'per second, over the size')),
    element('ul', { class: 'legend' },
      element('li', {}, element('i', { style: 'background:var(--good)' }), 'every bar held'),
      element('li', {}, element('i', { style: 'background:var(--bad)' }), 'broken')), svg));
  const draw = () => drawLimit(svg, steps, by('limit-plot').clientWidth || 560);
  draw();
  redrawOnResize(by('limit-plot'), draw);
}

function drawLimit(svg, steps, width) {
  const sorted = [...steps].sort((a, b) => a.size - b.size);
  const high = niceTop(largest(steps.map((step) => step.packets_per_second)));
  const wide = niceTop(largest(steps.map((step) => step.size)), true);
  const [left, right, floor] = [EDGE.left, width - 14, HEIGHT - EDGE.bottom];
  const x = (size) => left + (size / wide.value) * (right - left);
  const y = (rate) => floor - (rate / high.value) * (floor - EDGE.top);
  const made = [];
  for (let value = 0; value <= high.value * 1.001; value += high.step) {
    made.push(shape('line', { class: value ? 'grid' : 'axis', x1: left, x2: right, y1: y(value), y2: y(value) }));
    made.push(shape('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, short(value)));
  }
  for (let size = 0; size <= wide.value * 1.001; size += wide.step) {
    made.push(shape('text', { x: x(size), y: HEIGHT - 6, 'text-anchor': 'middle' }, short(size)));
  }
  const path = sorted.map((step) => `${x(step.size).toFixed(1)},${y(step.packets_per_second).toFixed(1)}`).join('L');
  made.push(shape('path', { class: 'line', d: 'M' + path, style: 'stroke:var(--line)' }));
  made.push(...sorted.map((step) => limitMark(step, x(step.size), y(step.packets_per_second))));
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  svg.replaceChildren(...made);
}

function limitMark(step, x, y) {
  const title = shape('title', {}, `${step.size}: ${short(step.packets_per_second)} packets/s, ${step.passed ? 'held' : 'broken: ' + step.broken_bars.join(', ')}`);
  if (step.passed) return shape('circle', { cx: x, cy: y, r: 4.5, style: 'fill:var(--good)' }, title);
  const d = `M${x - 4},${y - 4}l8,8m0,-8l-8,8`;
  return shape('path', { d, style: 'stroke:var(--bad);stroke-width:2.5;fill:none', 'pointer-events': 'all' }, title);
}

// ---- Findings

function findings() {
  const kinds = Object.entries(report.findings_by_kind);
  const all = Math.max(report.findings.length, merge.sum(kinds.map(([, number]) => number)));
  by('findings-title').textContent = all ? `Findings: ${count(all)}` : 'Findings';
  if (!all) return show('findings', element('p', { class: 'note' }, 'Nothing was found to be wrong.'));
  const input = element('input', { type: 'search', id: 'filter', placeholder: 'participant, kind, words' });
  const state = element('span', { role: 'status' });
  const body = element('div', { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'List of findings' });
  let kind = null;
  const redraw = () => listFindings(body, state, kind, input.value, all);
  const chips = kinds.sort((a, b) => b[1] - a[1]).map(([name, number]) => {
    const chip = element('button', { type: 'button', 'aria-pressed': 'false' }, `${name} ${count(number)}`);
    chip.addEventListener('click', () => {
      kind = kind === name ? null : name;
      chips.forEach((other) => other.setAttribute('aria-pressed', String(other === chip && kind !== null)));
      redraw();
    });
    return chip;
  });
  input.addEventListener('input', redraw);
  show('findings', element('div', { class: 'kinds' }, ...chips),
    element('div', { class: 'filter' }, element('label', { for: 'filter' }, 'Filter'), input, state), body);
  redraw();
}

function listFindings(body, state, kind, words, all) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (one) => `${one.second} ${one.kind} ${one.participant} ${one.track || ''} ${one.what}`.toLowerCase();
  const found = report.findings.filter((one) =>
    (kind === null || one.kind === kind) && wanted.every((word) => text(one).includes(word)));
  const listed = report.findings.length < all ? ` The list holds the first ${count(report.findings.length)}.` : '';
  state.textContent = `${count(found.length)} shown.${listed}`;
  body.replaceChildren(table([
    { name: 'Second', short: true, cell: (one) => String(one.second) },
    { name: 'Kind', short: true, cell: (one) => one.kind },
    { name: 'Seen by', short: true, cell: (one) => one.participant },
    { name: 'Track', short: true, cell: (one) => one.track || '' },
    { name: 'What', cell: (one) => element('div', { class: 'words' }, one.what) },
  ], found, 'Findings'));
}

// ---- Subscriptions

function subscriptions() {
  const rows = report.subscriptions;
  if (!rows.length) return show('subscriptions', element('p', { class: 'note' }, 'There were none.'));
  const word = (name, field) => ({ name, short: true, cell: (row) => row[field], sort: (row) => row[field] });
  const figure = (name, field, text) => ({ name, number: true, cell: (row) => (row[field] === null ? '–' : text(row[field])), sort: (row) => row[field] });
  const frozen = figure('Frozen', 'frozen_s', (value) => value.toFixed(2) + GAP + 's');
  const lost = figure('Lost', 'lost', count);
  const made = sortable([
    word('Watches', 'participant'), word('Whom', 'publisher'), word('Kind', 'kind'), frozen,
    figure('Freezes', 'freezes', count), lost, figure('Late', 'late', count), figure('Packets', 'packets', count),
    figure('Frames', 'frames', count), figure('First picture', 'first_frame_ms', ms), figure('Mean latency', 'latency_mean_ms', ms),
    figure('Max latency', 'latency_max_ms', ms), figure('Encoding', 'encoding', String), figure('Switches', 'switches', count),
  ], rows, 'Subscriptions', { column: frozen, down: true, then: [{ column: frozen, down: true }, { column: lost, down: true }] });
  show('subscriptions', made);
  const all = Number(source.dataset.subscriptions);
  const held = all > rows.length ? ` The page holds the ${count(rows.length)} with most frozen time and loss.` : '';
  by('subscriptions-note').textContent = `${count(Math.min(SHOWN, rows.length))} of ${count(all)}. A heading sorts by its column.${held}`;
}

// ---- Costs

function direct() {
  if (!report.direct) return;
  by('direct').hidden = false;
  const rows = [
    ['Video, through the server', report.video_latency_ms], ['Video, direct', report.direct.video_latency_ms],
    ['Audio, through the server', report.audio_latency_ms], ['Audio, direct', report.direct.audio_latency_ms],
  ].filter(([, of]) => of.count);
  const figure = (name) => ({ name, number: true, cell: ([, of]) => ms(of[name]) });
  const added = element('tr', {}, element('th', { scope: 'row' }, 'Added to pictures'));
  const cells = { p50: report.direct.added_p50_ms, p99: report.direct.added_p99_ms };
  const names = ['mean', 'p50', 'p90', 'p99', 'max'];
  added.append(...names.map((name) => element('td', { class: 'number' }, name in cells ? element('b', {}, ms(cells[name])) : '')));
  const made = table([{ name: 'Latency', short: true, cell: ([name]) => name }, ...names.map(figure)], rows, 'Direct path');
  made.tBodies[0].append(added);
  show('direct-table', made);
}

function server() {
  const cost = report.server_cost;
  if (!cost) return;
  by('server').hidden = false;
  show('server-table', pairs([
    ['CPU time, user and system', `${seconds(cost.cpu_user_s)} + ${seconds(cost.cpu_system_s)}`],
    ['Packets forwarded', count(cost.packets_forwarded)],
    ['CPU per forwarded packet', us(cost.cpu_us_per_packet)],
    ['Of it in the kernel', us(cost.cpu_system_us_per_packet)],
    ['Packets per core second', count(cost.packets_per_core_second)],
    ['Payload per core second', `${short(cost.bits_per_core_second / 1e6)} Mbit`],
    ['Memory before and at most', `${bytes(cost.rss_before_bytes)}, ${bytes(cost.rss_peak_bytes)}`],
    ['Memory per participant', bytes(cost.rss_per_participant_bytes)],
    ['Memory per subscription', bytes(cost.rss_per_subscription_bytes)],
    ['Context switches per packet', known(cost.context_switches_per_packet) ? significant(cost.context_switches_per_packet) : '–'],
    ['System calls per packet', known(cost.system_calls_per_packet) ? significant(cost.system_calls_per_packet) : '–'],
    ['Processes', cost.pids.join(', ')],
  ], 'Server cost'));
  const metrics = Object.entries(cost.metrics);
  if (!metrics.length) return;
  const details = by('metrics');
  details.hidden = false;
  details.querySelector('summary').textContent = `${count(metrics.length)} metrics of the server, change over the steady time`;
  details.querySelector('div').replaceChildren(table([
    { name: 'Metric', cell: ([name]) => name },
    { name: 'Change', number: true, cell: ([, value]) => (known(value) ? significant(value) : '–') },
  ], metrics, 'Metrics'));
}

function tester() {
  const cost = report.tester_cost;
  const decoded = report.decoded;
  show('tester', pairs([
    ['Threads', count(cost.threads)],
    ['CPU time', seconds(cost.cpu_s)],
    ['CPU per packet', us(cost.cpu_us_per_packet)],
    ['Busiest thread', percent(Math.round(cost.busiest_thread * 100))],
    ['Latest for a timer', ms(cost.lateness_max_ms)],
    ['Video streams decoded, pictures right', `${count(decoded.video_streams)}, ${count(decoded.pictures_right)} of ${count(decoded.pictures)}`],
    ['Audio streams decoded, tones right', `${count(decoded.audio_streams)}, ${count(decoded.tones_right)} of ${count(decoded.tones)}`],
    ['Samples left out', count(decoded.skipped)],
  ], 'Tester cost'));
}

function totals() {
  const row = (name, value) => ({ name, value });
  const rows = [
    row('Participants joined', (t) => count(t.joined)),
    row('Joins failed', (t) => count(t.join_failures)),
    row('Connections lost', (t) => count(t.disconnects)),
    row('Came back', (t) => count(t.reconnects)),
    row('Packets sent', (t) => `${count(t.packets_sent)}, ${bytes(t.bytes_sent)}`),
    row('Packets received', (t) => `${count(t.packets_received)}, ${bytes(t.bytes_received)}`),
    row('Packets lost', (t) => count(t.packets_lost)),
    row('Packets late', (t) => count(t.packets_late)),
    row('Pictures, broken', (t) => `${count(t.frames)}, ${count(t.frames_broken)}`),
    row('Freezes', (t) => `${count(t.freezes)}, ${seconds(t.frozen_s)} of ${seconds(t.watched_s)}`),
    row('Interruptions of sound', (t) => count(t.interruptions)),
    row('Silent subscriptions', (t) => count(t.subscriptions_silent)),
    row('Data messages sent, received', (t) => `${count(t.messages_sent)}, ${count(t.messages_received)}`),
  ];
  show('totals', table([
    { name: '', cell: (one) => one.name },
    { name: 'Steady time', number: true, cell: (one) => one.value(report.steady) },
    { name: 'Whole run', number: true, cell: (one) => one.value(report.totals) },
  ], rows, 'Totals'));
}

for (const part of [header, bars, tiles, plots, limit, findings, subscriptions, direct, server, totals, tester]) {
  try { part(); } catch (error) { console.error(part.name, error); }
}
