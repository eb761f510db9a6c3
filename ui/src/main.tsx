import "uplot/dist/uPlot.min.css";
import "./tokens.css";
import "./base.css";
import "./app.css";
import { render } from "solid-js/web";
import { App } from "./app";

render(() => <App />, document.getElementById("app")!);
