export function DeadLetters() {
  return <p>soon</p>;
}
