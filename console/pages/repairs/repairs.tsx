export function Repairs() {
  return <p>soon</p>;
}
