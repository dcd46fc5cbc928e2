import { useRef, useState, type PointerEvent } from 'react';
import { absolute, inWords } from '../../parts/time';
import classes from './chart.module.css';

/** A line of a chart; null where there is no value. */
export interface ChartSeries {
  name: string;
  values: (number | null)[];
}

const WIDTH = 560;
const HEIGHT = 150;

/** Lines over time. The values under the pointer, else the last ones, stand in the legend. */
export function Chart(props: {
  title: string;
  unit?: 'ms';
  series: ChartSeries[];
  /** In ms since 1970, one for each value. */
  times: number[];
}) {
  const { title, unit, series, times } = props;
  const [pointed, setPointed] = useState<number>();
  const drawing = useRef<SVGSVGElement>(null);
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? first + 1;
  const top = niceAbove(
    Math.max(1, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))),
  );
  const x = (at: number) => ((at - first) / Math.max(1, last - first)) * WIDTH;
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT;
  const index = pointed ?? times.length - 1;
  const at = times[index] ?? last;

  const point = (event: PointerEvent) => {
    const box = drawing.current?.getBoundingClientRect();
    if (!box) return;
    const wanted = first + ((event.clientX - box.left) / box.width) * (last - first);
    const after = times.findIndex((time) => time >= wanted);
    setPointed(after < 0 ? times.length - 1 : after);
  };
  const summary = series
    .map(({ name, values }) => `${name} ${shown(values.at(-1), unit)}`)
    .join(', ');
  return (
    <figure className={classes.chart}>
      <figcaption>
        <h2>{title}</h2>
        <time dateTime={new Date(at).toISOString()}>
          {pointed === undefined ? `now` : absolute(new Date(at).toISOString())}
        </time>
      </figcaption>
      <div className={classes.area}>
        <span className={classes.top} aria-hidden="true">
          {shown(top, unit)}
        </span>
        <svg
          ref={drawing}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}, now: ${summary || 'nothing'}`}
          onPointerMove={point}
          onPointerLeave={() => setPointed(undefined)}
        >
          {[0, 0.5, 1].map((part) => (
            <line
              key={part}
              className={classes.grid}
              x1={0}
              x2={WIDTH}
              y1={part * HEIGHT}
              y2={part * HEIGHT}
            />
          ))}
          {series.map(({ name, values }, line) => (
            <path
              key={name}
              data-line={line}
              d={pathOf(values, (value, n) => [x(times[n] ?? 0), y(value)])}
            />
          ))}
          {pointed !== undefined && (
            <line className={classes.pointer} x1={x(at)} x2={x(at)} y1={0} y2={HEIGHT} />
          )}
        </svg>
      </div>
      <div className={classes.axis} aria-hidden="true">
        <span>{inWords(last - first)} ago</span>
        <span>now</span>
      </div>
      <ul className={classes.legend}>
        {series.length === 0 && <li>nothing</li>}
        {series.map(({ name, values }, line) => (
          <li key={name}>
            <i data-line={line} aria-hidden="true" />
            {name} <b>{shown(values[index], unit)}</b>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function pathOf(
  values: readonly (number | null)[],
  place: (value: number, n: number) => [number, number],
): string {
  let isDrawing = false;
  return values
    .map((value, n) => {
      if (value === null) {
        isDrawing = false;
        return '';
      }
      const [x, y] = place(value, n);
      const step = `${isDrawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
      isDrawing = true;
      return step;
    })
    .join('');
}

/** The next of 1, 2, 5, 10, 20 ... above. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

function shown(value: number | null | undefined, unit: 'ms' | undefined): string {
  if (value === null || value === undefined) return '–';
  if (unit !== 'ms') return value.toLocaleString('en');
  return value < 1_000
    ? `${value} ms`
    : `${(value / 1_000).toLocaleString('en', { maximumFractionDigits: 1 })} s`;
}
