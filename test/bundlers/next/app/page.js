export default function Page() {
  return <p>Holdall</p>
}
