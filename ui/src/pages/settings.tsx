export default function P(_p: any) { return <p />; }
