/* Proposals beside a basket (doc/api.md): articles go out, products come back, no cookie. */
(function () {
	"use strict";
	var script = document.currentScript, latest = 0;
	if (!script || !window.fetch) return;
	var set = script.dataset, lang = (document.documentElement.lang || navigator.language || "").slice(0, 2).toLowerCase();
	var from = new URL("/api/v1/public/recommendations", script.src);

	function make(tag, field, parent) {
		var e = document.createElement(tag);
		e.dataset.field = field;
		e.className = "relance-" + field;
		return parent.appendChild(e);
	}
	function plain() {
		var root = document.createDocumentFragment(), card = root.appendChild(document.createElement("div"));
		card.className = "relance-card";
		var link = make("a", "url", card);
		make("img", "image", link).style.maxWidth = "100%";
		["name", "price", "why"].forEach(function (f, i) { make("span", f, i ? card : link).style.display = "block"; });
		return root;
	}
	function price(answer, item) {
		if (item.price === null) return "";
		var unit = Math.pow(10, answer.exponent);
		return new Intl.NumberFormat(lang || undefined, { style: "currency", currency: answer.currency }).format(item.price / unit);
	}
	function fill(card, answer, item) {
		card.querySelectorAll("[data-field]").forEach(function (e) {
			var field = e.dataset.field, address = /^https?:\/\//i.test(item[field]) && item[field];
			if (field === "url") {
				if (address) e.href = address;
			} else if (field === "image") {
				e.alt = ""; e.loading = "lazy"; e.onerror = e.remove; if (address) e.src = address; else e.remove();
			} else if (field === "price") e.textContent = price(answer, item);
			else if (item[field] != null) e.textContent = item[field];
		});
		return card;
	}
	function show(answer) {
		var into = document.querySelector(set.into), all = document.createDocumentFragment();
		if (!into) return;
		var template = into.querySelector("template") || document.querySelector("template[data-relance]");
		answer.items.forEach(function (item) {
			all.appendChild(fill(template ? document.importNode(template.content, true) : plain(), answer, item));
		});
		if (template && into.contains(template)) all.insertBefore(template, all.firstChild);
		into.hidden = !answer.items.length;
		into.replaceChildren(all);
	}
	function update(skus) {
		var turn = ++latest;
		var ask = new URLSearchParams({ key: set.key || "", basket: [].concat(skus || []).join(","), n: set.n || "3" });
		if (lang) ask.set("lang", lang);
		return fetch(from + "?" + ask, { credentials: "omit", referrerPolicy: "no-referrer" }).then(function (r) {
			return r.ok ? r.json() : null;
		}).then(function (answer) {
			if (answer && turn === latest) show(answer);
		}).catch(function () {});
	}
	function begin() { update(set.basket); }

	window.relance = { update: update };
	if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
	else begin();
})();
