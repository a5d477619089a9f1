// Draws openapi.json. Everything that comes from it or from an answer is set as text, never as HTML.

const document_ = await (await fetch('/openapi.json')).json();

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== undefined));
  return element;
};
/** Text in which `words` stand between backticks. */
const prose = (tag, text = '', properties = {}) =>
  make(tag, properties, ...text.split('`').map((part, index) => (index % 2 ? make('code', { textContent: part }) : part)));
const byId = (id) => document.getElementById(id);
const schemaName = (schema) => schema?.$ref?.split('/').pop();

function typeText(schema) {
  if (!schema) return '';
  if (schema.$ref) return schemaName(schema);
  const any = schema.oneOf ?? schema.anyOf;
  if (any) return any.filter((one) => one.type !== 'null').map(typeText).join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  const types = [schema.type].flat().filter((type) => type !== 'null');
  if (types[0] === 'array') return `list of ${typeText(schema.items)}`;
  if (types[0] === 'object' && schema.additionalProperties) return `keys and ${typeText(schema.additionalProperties)}`;
  return [types.join(' or '), schema.format].filter(Boolean).join(', ');
}

function typeCell(schema) {
  const name = schemaName(schema) ?? schemaName(schema?.items) ?? schemaName(schema?.oneOf?.find((one) => one.$ref));
  return name ? make('a', { href: `#type-${name}`, textContent: typeText(schema) }) : make('code', { textContent: typeText(schema) });
}

function table(heads, rows) {
  return make(
    'table',
    {},
    make('tr', {}, ...heads.map((head) => make('th', { textContent: head }))),
    ...rows.map((cells) => make('tr', {}, ...cells.map((cell) => make('td', {}, cell ?? '')))),
  );
}

/** A value to start from: the examples of the required fields. */
function sample(schema, depth = 0) {
  if (!schema || depth > 4) return null;
  if (schema.$ref) return sample(document_.components.schemas[schemaName(schema)], depth + 1);
  const one = (schema.oneOf ?? schema.anyOf)?.find((one) => one.type !== 'null');
  if (one) return sample(one, depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (schema.properties) {
    const wanted = schema.required ?? [];
    return Object.fromEntries(wanted.map((name) => [name, sample(schema.properties[name], depth + 1)]));
  }
  return { string: '', integer: 0, boolean: false, array: [], object: {} }[[schema.type].flat()[0]] ?? null;
}

function tryOut(method, path, operation) {
  const inputs = (operation.parameters ?? []).map((parameter) => ({
    parameter,
    input: make('input', { spellcheck: false, ariaLabel: parameter.name, placeholder: parameter.schema?.example ?? '' }),
  }));
  const content = operation.requestBody?.content?.['application/json'];
  const body = content && make('textarea', { value: JSON.stringify(sample(content.schema), null, 2), ariaLabel: 'body' });
  const output = make('pre', { hidden: true });
  const button = make('button', { textContent: 'Send' });
  button.onclick = async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, input } of inputs) {
      if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value && parameter.in === 'query') query.set(parameter.name, input.value);
      else if (input.value) headers[parameter.name] = input.value;
    }
    if (query.size) url += `?${query}`;
    if (byId('token').value) headers.Authorization = `Bearer ${byId('token').value}`;
    if (body) headers['Content-Type'] = 'application/json';
    output.hidden = false;
    try {
      const response = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value });
      const text = await response.text();
      let pretty = text;
      try {
        pretty = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it is.
      }
      output.textContent = `${method.toUpperCase()} ${url}\n${response.status} ${response.statusText}\n\n${pretty}`;
    } catch (error) {
      output.textContent = `no answer: ${error.message}`;
    }
  };
  const rows = inputs.map(({ parameter, input }) => [
    make('code', { textContent: parameter.name }),
    prose('span', `${parameter.in}${parameter.required ? ', needed' : ''}. ${parameter.description ?? ''}`),
    input,
  ]);
  return [rows.length ? table(['Parameter', 'Meaning', 'Value'], rows) : undefined, content && make('p', {}, 'Body: ', typeCell(content.schema)), body, button, output];
}

function grants(operation) {
  const of = (operation.security ?? []).flatMap((one) => (one.token ? one.token : ['nothing, for guests']));
  return of.length ? `needs ${[...new Set(of)].join(' or ')}` : 'needs nothing';
}

byId('about').replaceWith(prose('p', document_.info.description));
byId('version').textContent = `version ${document_.info.version}, OpenAPI ${document_.openapi}`;

for (const tag of document_.tags ?? []) {
  byId('operations').append(make('h2', { textContent: tag.name }), prose('p', tag.description));
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (!operation.tags?.includes(tag.name)) continue;
      const answers = Object.entries(operation.responses).map(([status, response]) => [
        status,
        response.description,
        typeCell(Object.values(response.content ?? {})[0]?.schema),
      ]);
      byId('operations').append(
        make(
          'details',
          { id: operation.operationId },
          make(
            'summary',
            {},
            make('span', { className: `method ${method}`, textContent: method.toUpperCase() }),
            make('code', { textContent: path }),
            ` ${operation.summary} `,
            make('span', { className: 'grant', textContent: grants(operation) }),
          ),
          prose('p', operation.description),
          ...tryOut(method, path, operation),
          make('details', {}, make('summary', { textContent: 'Answers' }), table(['Status', 'Meaning', 'Type'], answers)),
        ),
      );
    }
  }
}

for (const [name, schema] of Object.entries(document_.components.schemas)) {
  const rows = Object.entries(schema.properties ?? {}).map(([field, type]) => [
    make('code', { textContent: field + (schema.required?.includes(field) ? '' : '?') }),
    typeCell(type),
    prose('span', type.description),
  ]);
  byId('schemas').append(
    make('h3', { id: `type-${name}`, textContent: name }),
    prose('p', schema.description),
    rows.length ? table(['Field', 'Type', 'Meaning'], rows) : make('code', { textContent: typeText(schema) }),
  );
}

for (const problem of document_['x-problems']) {
  byId('problems').append(
    make('h3', { id: problem.slug, textContent: `${problem.status} ${problem.title}` }),
    prose('p', problem.meaning),
  );
}

// The element a link names did not exist when the page was opened.
if (location.hash) byId(location.hash.slice(1))?.scrollIntoView();
