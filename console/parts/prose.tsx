import { Fragment } from 'react';

/** A text of the service's, in which backquotes set off what one types or looks for. */
export function Prose({ text }: { text: string }) {
  return text
    .split(/`([^`]+)`/)
    .map((piece, index) =>
      index % 2 === 1 ? (
        <code key={index}>{piece}</code>
      ) : (
        <Fragment key={index}>{withTimes(piece)}</Fragment>
      ),
    );
}

const TIME = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** Times of the service's, which are UTC, as the reader's clock has them. */
function withTimes(text: string) {
  return text.split(TIME).map((piece, index) =>
    index % 2 === 1 ? (
      <time key={index} dateTime={piece} title={piece}>
        {new Date(piece).toLocaleTimeString('en-GB')}
      </time>
    ) : (
      piece
    ),
  );
}
