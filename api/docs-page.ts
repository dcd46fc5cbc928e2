import { z } from 'zod';

const operation = z.object({
  tags: z.array(z.string()).default(['other']),
  summary: z.string().default(''),
  description: z.string().optional(),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().optional(),
        description: z.string().optional(),
        schema: z.unknown(),
      }),
    )
    .default([]),
  requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
  responses: z.record(z.string(), z.unknown()),
});

const documentSchema = z.object({
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }),
});

/** Its look, a file of its own: the policy takes no styles from a page. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
summary { cursor: pointer; padding: .3rem 0; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow: auto; padding: .6rem; border: 1px solid #8885; border-radius: 4px; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
td { padding: .1rem 1rem .1rem 0; vertical-align: top; }
`;

/** The API's description as a page that runs nothing, and loads nothing from elsewhere. */
export function docsPage(openApi: Record<string, unknown>): string {
  const { info, paths, components } = documentSchema.parse(openApi);
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, what]) => ({ path, method, ...what })),
  );
  const tags = [...new Set(routes.flatMap((route) => route.tags))];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(info.title)} API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs.css"></head><body>
<h1>${escape(info.title)} API ${escape(info.version)}</h1>
${info.description
  .split('\n\n')
  .map((part) => `<p>${prose(part)}</p>`)
  .join('\n')}
<p>For programs: <a href="/openapi.json">openapi.json</a></p>
${tags
  .map((tag) =>
    section(
      tag,
      routes.filter((route) => route.tags.includes(tag)),
    ),
  )
  .join('\n')}
<h2>Schemas</h2>
${Object.entries(components.schemas)
  .map(([name, schema]) => details(name, json(schema), `schema-${name}`))
  .join('\n')}
</body></html>
`;
}

type Route = z.infer<typeof operation> & { path: string; method: string };

function section(tag: string, routes: Route[]): string {
  return `<h2>${escape(tag)}</h2>\n${routes.map(routeDetails).join('\n')}`;
}

function routeDetails({ path, method, summary, description, ...more }: Route): string {
  const { parameters, requestBody, responses } = more;
  const rows = parameters.map(
    (each) =>
      `<tr><td><code>${escape(each.name)}</code></td><td>${each.in}${each.required ? ', needed' : ''}</td><td>${escape(each.description ?? '')}</td></tr>`,
  );
  const title = `<span class="method">${method.toUpperCase()}</span> <code>${escape(path)}</code> ${escape(summary)}`;
  const body = [
    description ? `<p>${prose(description)}</p>` : '',
    rows.length > 0 ? `<table>${rows.join('')}</table>` : '',
    requestBody ? `<p>Body</p>${json(requestBody.content['application/json'])}` : '',
    ...Object.entries(responses)
      .filter(([status]) => /^2/.test(status))
      .map(([status, answer]) => `<p>${status}</p>${json(answer)}`),
  ];
  return `<details><summary>${title}</summary>${body.join('\n')}</details>`;
}

function details(title: string, body: string, id: string): string {
  return `<details id="${escape(id)}"><summary><code>${escape(title)}</code></summary>${body}</details>`;
}

function json(value: unknown): string {
  return `<pre>${escape(JSON.stringify(value, undefined, 2) ?? '')}</pre>`;
}

/** What is between backticks is code. */
function prose(text: string): string {
  return escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
