#include "outbox/wording.h"

const struct wording WORDINGS[] = {
	{ "save_now", "Économisez maintenant", "Save now" },
	{ "exclusive_offer", "En exclusivité pour nos clients", "Exclusively for our customers" },
	{ "chosen_for_you", "Choisi pour vous", "Chosen for you" },
	{ "your_gift", "Votre cadeau", "Your gift" },
	{ "thank_you", "Merci de votre confiance", "Thank you for your trust" },
	{ "see_you_soon", "À très bientôt", "See you soon" },
	{ "discover", "Découvrir", "Discover" },
	{ "see_product", "Voir le produit", "See the product" },
	{ "see_shop", "Voir la boutique", "Visit the shop" },
	{ "back_to_cart", "Reprendre mon panier", "Back to my basket" },
	{ "use_code", "Utiliser mon code", "Use my code" },
	{ "your_code", "Votre code", "Your code" },
	{ "valid_until", "valable jusqu’au %{date}", "valid until %{date}" },
	{ "minimum", "dès %{amount} d’achat", "on orders over %{amount}" },
	{ "quantity", "Quantité\u00a0: %{count}", "Quantity: %{count}" },
	{ "total", "Total", "Total" },
	{ "secure_payment", "Paiement sécurisé", "Secure payment" },
	{ "delivery", "Livraison", "Delivery" },
	{ "returns", "Retours", "Returns" },
	{ "help", "Une question\u00a0?", "Any question?" },
	{ "unsubscribe", "Me désinscrire", "Unsubscribe" },
	{ "preferences", "Choisir ce que je reçois", "Choose what I receive" },
	{ "web_version", "Lire en ligne", "Read online" },
	{ "why_you", "Vous recevez ce message parce que", "You receive this message because" },
};
const size_t WORDING_COUNT = ARRAY_LEN(WORDINGS);

const char *wording_find(struct str key, enum liquid_locale locale)
{
	for (size_t i = 0; i < WORDING_COUNT && key.n; i++)
		if (key.p[0] == WORDINGS[i].key[0] && str_is(key, WORDINGS[i].key))
			return locale == LIQUID_FR ? WORDINGS[i].fr : WORDINGS[i].en;
	return NULL;
}
