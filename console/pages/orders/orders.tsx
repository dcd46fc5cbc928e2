export function Orders() {
  return <p>soon</p>;
}
