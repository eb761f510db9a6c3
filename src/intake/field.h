/* field: what a column can mean, and the headers that mean it.
 *
 * Headers are compared with case, accents, spaces and punctuation dropped ("N° Facture" = "nfacture"); JSON paths are
 * headers too ("billing.email" = "Billing Email"). The dictionary covers UCI Online Retail, the exports and APIs of
 * Shopify, WooCommerce, PrestaShop and Magento, lists of Mailchimp, Brevo and Sarbacane, and common French and English
 * tills. */
#ifndef RELANCE_INTAKE_FIELD_H
#define RELANCE_INTAKE_FIELD_H

#include "intake/intake.h"

/* clang-format off */
/* F(enum, name in a map file) */
#define FIELD_LIST                                                                                                     \
	F(ORDER, "order")                                                                                                  \
	F(CUSTOMER, "customer") F(EMAIL, "email") F(PHONE, "phone") F(DATE, "date") F(TIME, "time") F(SKU, "sku")          \
		F(PRODUCT, "product_name") F(QUANTITY, "quantity") F(UNIT_PRICE, "unit_price") F(AMOUNT, "amount")             \
			F(LINE_DISCOUNT, "line_discount") F(LINE_TAX, "line_tax") F(CATEGORY, "category")                          \
				F(SALE_CHANNEL, "sale_channel") F(VOUCHER, "voucher") F(IS_RETURN, "return") F(STATUS, "status")       \
					F(CANCELLED_AT, "cancelled_at") F(CURRENCY, "currency") F(URL, "url") F(CART_STATE, "cart_state")  \
						F(TOTAL, "total") F(REFUND, "refund") F(CIVILITY, "civility") F(FIRST_NAME, "first_name")      \
							F(LAST_NAME, "last_name") F(FULL_NAME, "full_name") F(COMPANY, "company")                  \
								F(ADDRESS1, "address1") F(ADDRESS2, "address2") F(POSTCODE, "postcode")                \
									F(CITY, "city") F(COUNTRY, "country") F(ZONE, "zone") F(LOCALE, "locale")          \
										F(STORE, "store") F(TAGS, "tags") F(INTERESTS, "interests")                    \
											F(CHILDREN, "children") F(ATTRIBUTES, "attributes") F(BORN, "born")        \
												F(CREATED, "created") F(GENDER, "gender") F(IS_COMPANY, "is_company")  \
													F(EMAIL_CONSENT, "email_consent") F(SMS_CONSENT, "sms_consent") F( \
														POST_CONSENT, "post_consent") F(CONSENT_DATE, "consent_date")  \
														F(TYPE, "type") F(FAMILY, "family") F(BRAND, "brand")          \
															F(REPLACED_BY, "replaced_by") F(IMAGE, "image")            \
																F(PRICE, "price") F(COST, "cost") F(VAT, "vat")        \
																	F(STOCK, "stock") F(LIFETIME, "lifetime_days") F(  \
																		TIER, "tier") F(NOT_A_PRODUCT,                 \
	                                                                                    "not_a_product")               \
																		F(CHANNEL, "channel") F(PURPOSE, "purpose")    \
																			F(STATE, "state")                          \
																				F(UNSUBSCRIBED_AT, "unsubscribed_at")  \
																					F(SOURCE, "consent_source")        \
																						F(WORDING, "wording")          \
																							F(EVENT, "event")          \
																								F(VALUE, "value")      \
																									F(TEXT, "text")                \
																										F(SELLER, "seller")    \
																											F(SECTOR, "sector") \
		F(HIDDEN, "hidden") F(EXCLUDED, "excluded") F(CONSUMABLE, "consumable")   \
		F(MONTHS, "months") F(COLLECTION, "collection")
/* clang-format on */

enum field {
#define F(id, name) FIELD_##id,
	FIELD_LIST
#undef F
		FIELD_COUNT,
	FIELD_IGNORE = FIELD_COUNT,
};

enum { FIELD_HEADER_MAX = 96 };

/* Kinds as bits: FIELDS_OF(INTAKE_ORDERS) | … */
#define FIELDS_OF(kind) (1u << (kind))

const char *field_name(enum field f);
int field_find(struct str name); /* FIELD_IGNORE for "ignore"; −1 when unknown */

/* The header with case, accents and punctuation dropped, cut at FIELD_HEADER_MAX − 1; returns its length. */
size_t field_normalise(struct str header, char out[FIELD_HEADER_MAX]);

/* What a header means in a file of this kind; −1 when nothing. *rank: among headers of one field the lowest wins. */
int field_guess(struct str header, enum intake_kind kind, int *rank);

#endif
