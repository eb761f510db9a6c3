#include "intake/field.h"

static const char *const NAMES[] = {
#define F(id, name) name,
	FIELD_LIST
#undef F
};

#define O FIELDS_OF(INTAKE_ORDERS)
#define C FIELDS_OF(INTAKE_CUSTOMERS)
#define P FIELDS_OF(INTAKE_PRODUCTS)
#define K FIELDS_OF(INTAKE_CARTS)
#define N FIELDS_OF(INTAKE_CONSENTS)
#define E FIELDS_OF(INTAKE_EVENTS)

/* Best first: the position is the rank. */
static const struct {
	enum field field;
	unsigned kinds;
	const char *headers;
} DICTIONARY[] = {
	{ FIELD_ORDER, O,
	  "order invoiceno invoice invoicenumber ordernumber orderno orderid ordernr nfacture nofacture numerofacture "
	  "numfacture facture numerodefacture ncommande nocommande numerocommande numcommande numerodecommande commande "
	  "nticket noticket numeroticket numticket ticket numerodeticket npiece nopiece piece npiececomptable receipt "
	  "receiptno receiptnumber transactionid transaction idtransaction basketid saleid idvente nvente vente "
	  "incrementid ordername salesorder document reforder refcommande orderref orderreference referencecommande "
	  "idcommande idorder number basket name reference id" },
	{ FIELD_ORDER, K, "cart cartid carttoken cartnumber panier idpanier npanier idcart checkouttoken token id" },
	{ FIELD_CUSTOMER, O | K | N | E,
	  "customer customerid customerno customernumber customercode clientid idclient nclient noclient "
	  "numeroclient numclient codeclient refclient client customerref customeruserid userid user idcustomer "
	  "customeridentifier visitorid memberid cardnumber ncarte numerocarte carte compteclient householdkey "
	  "customeruser" },
	{ FIELD_CUSTOMER, C,
	  "customer customerid customerno customernumber customercode clientid idclient nclient noclient numeroclient "
	  "numclient codeclient refclient client customerref idcustomer userid ncarte numerocarte ref reference id "
	  "code" },
	{ FIELD_EMAIL, O | C | K | N | E,
	  "email emailaddress customeremail billingemail adresseemail adressemail adresseelectronique "
	  "courriel mail emailbilling emailclient mailclient adressemel mel contactemail useremail address "
	  "contact" },
	{ FIELD_PHONE, C | N | O | K,
	  "phone telephone tel mobile portable phonenumber telephonenumber mobilephone telephoneportable telmobile "
	  "gsm defaultaddressphone billingphone sms addresstelephone phonemobile telephonemobile phonebilling" },
	{ FIELD_DATE, O,
	  "date invoicedate orderdate createdat datecreatedgmt datecreated datecommande datedecommande datefacture "
	  "datedefacture dateticket datevente datedevente saledate transactiondate purchasedate datedevente "
	  "datepiece dateadd orderpurchasetimestamp dateheure timestamp datetime orderpurchasedate day jour at processedat "
	  "purchasedon purchasepoint" },
	{ FIELD_DATE, K | E | N,
	  "date at updatedat timestamp datetime createdat dateupd dateadd time eventtime occurredat dateheure jour" },
	{ FIELD_TIME, O, "heure time ordertime heurevente heureticket hour" },
	{ FIELD_SKU, O | K,
	  "sku stockcode lineitemsku itemsku productsku article articleno codearticle refarticle referencearticle "
	  "referenceproduit refproduit codeproduit itemcode productcode productreference ean ean13 gtin barcode codebarre "
	  "codebarres productid itemid idproduit idarticle productattributeid productid itemnumber item reference ref "
	  "plu" },
	{ FIELD_PRODUCT, O | K,
	  "productname description lineitemname designation libelle itemname nomproduit produit product articlename "
	  "libellearticle libelleproduit intitule title producttitle desi descriptif item name" },
	{ FIELD_QUANTITY, O | K,
	  "quantity lineitemquantity qty quantite qte itemquantity quantityrefund qtyordered quantiteproduit "
	  "productquantity cartquantity nombre nb units unites cds itemssold" },
	{ FIELD_UNIT_PRICE, O | K,
	  "unitprice unitpricetaxincl lineitemprice prixunitairettc puttc prixttc prixunitaire pu itemcost itemprice "
	  "priceinclvat price prix productprice unitpricetaxexcl prixunitaireht puht prixht" },
	{ FIELD_AMOUNT, O | K,
	  "amount lineamount linetotal linetotalttc montantttc totalttc montantligne totalligne montantlignettc montant "
	  "totalpricetaxincl lineprice rowtotalincltax rowtotal linesubtotal salesvalue dollars itemtotal montantht "
	  "totalht sales revenue nrevenue catt cattc ca" },
	{ FIELD_LINE_DISCOUNT, O | K, "lineitemdiscount linediscount remise remiseligne montantremise totaldiscount" },
	{ FIELD_LINE_TAX, O | K, "totaltax" },
	{ FIELD_CATEGORY, O | K, "category categorie rayon famille department commoditydesc" },
	{ FIELD_SALE_CHANNEL, O,
	  "saleschannel salechannel channel canal canalvente canaldevente createdvia source sourcename" },
	{ FIELD_VOUCHER, O,
	  "voucher discountcode couponcode coupon coupons codepromo bonreduction codereduction codecoupon couponcodes" },
	{ FIELD_IS_RETURN, O, "return isreturn retour avoir typeretour" },
	{ FIELD_STATUS, O, "orderstatus status statut etat financialstatus statutcommande etatcommande currentstate" },
	{ FIELD_CANCELLED_AT, O, "cancelledat canceledat dateannulation" },
	{ FIELD_CURRENCY, O | K, "currency devise ordercurrency currencycode" },
	{ FIELD_URL, K, "url carturl recoveryurl abandonedcheckouturl lien lienpanier" },
	{ FIELD_CART_STATE, K, "cartstate state status etat statut event behavior behaviortype action" },
	{ FIELD_TOTAL, O | K,
	  "total ordertotal ordertotalamount totalprice grandtotal grandtotalpurchased grandtotalbase totalpaidtaxincl "
	  "totalpaid montanttotal totalcommande totalticket totalticketttc totalpaye totalfacture netapayer" },
	{ FIELD_REFUND, O, "refundedamount orderrefundamount totalrefunded montantrembourse" },
	{ FIELD_CIVILITY, C | N, "civility civilite titre title socialtitle salutation prefix" },
	{ FIELD_FIRST_NAME, C | O | N,
	  "firstname prenom fname firstnamebilling billingfirstname defaultaddressfirstname givenname customerfirstname" },
	{ FIELD_LAST_NAME, C | O | N,
	  "lastname nom lname lastnamebilling billinglastname defaultaddresslastname surname familyname nomdefamille "
	  "customerlastname nomclient" },
	{ FIELD_FULL_NAME, C,
	  "fullname name nomcomplet nomprenom nometprenom prenomnom prenometnom customername displayname" },
	{ FIELD_FULL_NAME, O, "billingname" },
	{ FIELD_COMPANY, C,
	  "company defaultaddresscompany billingcompany companybilling societe entreprise raisonsociale organisation "
	  "organization addresscompany" },
	{ FIELD_ADDRESS1, C,
	  "address1 defaultaddressaddress1 billingaddress1 addressline1 adresse1 adresse street addressstreet address "
	  "rue voie streetaddress" },
	{ FIELD_ADDRESS2, C,
	  "address2 defaultaddressaddress2 billingaddress2 addressline2 adresse2 complement complementadresse" },
	{ FIELD_POSTCODE, C,
	  "postcode zip defaultaddresszip billingpostcode zipcode postalcode codepostal cp addresspostcode postal" },
	{ FIELD_CITY, C, "city defaultaddresscity billingcity ville town commune addresscity localite" },
	{ FIELD_COUNTRY, C,
	  "countrycode defaultaddresscountrycode billingcountry countryid addresscountryid country defaultaddresscountry "
	  "pays "
	  "countryregion" },
	{ FIELD_ZONE, C, "zone timezone fuseau fuseauhoraire tz" },
	{ FIELD_LOCALE, C, "locale customerlocale language langue lang isocode" },
	{ FIELD_STORE, C | O,
	  "store magasin boutique pointdevente shop agence storename nommagasin codemagasin storeid storecode "
	  "etablissement" },
	{ FIELD_SELLER, O,
	  "seller salesperson salesrep vendeur vendeuse nomvendeur codevendeur commercial conseiller conseillere caissier "
	  "caissiere cashier sellername salespersonname" },
	{ FIELD_SECTOR, C, "sector secteur secteuractivite secteurdactivite industry brancheactivite activite" },
	{ FIELD_TAGS, C, "tags etiquettes labels tag" },
	{ FIELD_INTERESTS, C, "interests interets centresdinteret centreinteret" },
	{ FIELD_CHILDREN, C, "children enfants naissanceenfants birthdatechildren" },
	{ FIELD_ATTRIBUTES, C | P, "attributes attributs" },
	{ FIELD_BORN, C, "born birthday birthdate dateofbirth dob datenaissance datedenaissance naissance anniversaire" },
	{ FIELD_CREATED, C,
	  "created createdat datecreatedgmt datecreated dateadd registration registrationdate signup dateregistered "
	  "customersince "
	  "inscription dateinscription datedinscription datecreation datedecreation optintime" },
	{ FIELD_GENDER, C, "gender sexe genre sex idgender" },
	{ FIELD_IS_COMPANY, C, "iscompany professionnel pro b2b" },
	{ FIELD_EMAIL_CONSENT, C,
	  "emailconsent emailmarketingconsentstate acceptsemailmarketing acceptsmarketing newsletter optin optinemail "
	  "emailoptin consentementemail abonnenewsletter newslettersubscription marketingoptin "
	  "consentementmail issubscribed subscribed emailmarketing rgpd" },
	{ FIELD_EMAIL_CONSENT, O, "acceptsmarketing buyeracceptsmarketing acceptsemailmarketing newsletter" },
	{ FIELD_SMS_CONSENT, C,
	  "smsconsent smsmarketingconsentstate acceptssmsmarketing optinsms smsoptin consentementsms" },
	{ FIELD_POST_CONSENT, C, "postconsent optinpost optincourrier consentementcourrier optinpostal" },
	{ FIELD_CONSENT_DATE, C,
	  "consentdate consentat emailmarketingconsentconsentupdatedat acceptsmarketingupdatedat newsletterdateadd "
	  "dateconsentement dateoptin confirmtime" },
	{ FIELD_SKU, P,
	  "sku variantsku codearticle refarticle reference referenceproduit codeproduit stockcode productcode ref article "
	  "ean ean13 codebarres productid id handle" },
	{ FIELD_PRODUCT, P, "name title productname designation libelle nom description nomproduit produit intitule" },
	{ FIELD_TYPE, P, "type producttype" },
	{ FIELD_FAMILY, P, "family famille" },
	{ FIELD_CATEGORY, P, "category categories productcategory categorie rayon defaultcategory" },
	{ FIELD_BRAND, P, "brand vendor marque manufacturer manufacturername fabricant fournisseur brands" },
	{ FIELD_REPLACED_BY, P, "replacedby remplacepar successeur" },
	{ FIELD_URL, P, "url permalink link lien producturl" },
	{ FIELD_IMAGE, P, "image imagesrc imageurl baseimage images photo variantimage" },
	{ FIELD_PRICE, P,
	  "price variantprice prixttc prixdevente prixventettc prix regularprice pricetaxincluded prixventeht prixht "
	  "salesprice" },
	{ FIELD_COST, P, "cost costperitem prixachat prixdachat wholesaleprice cout purchaseprice" },
	{ FIELD_VAT, P, "vat tva tauxtva vatrate taxrate tva%" },
	{ FIELD_STOCK, P,
	  "stock variantinventoryqty inventoryquantity stockquantity qty quantity quantite qte stockdisponible" },
	{ FIELD_LIFETIME, P, "lifetimedays lifetime dureedevie" },
	{ FIELD_TIER, P, "tier gamme" },
	{ FIELD_NOT_A_PRODUCT, P, "notaproduct horsproduit" },
	{ FIELD_HIDDEN, P, "hidden masque cache" },
	{ FIELD_EXCLUDED, P, "excluded exclu nepasproposer" },
	{ FIELD_CONSUMABLE, P, "consumable consommable" },
	{ FIELD_MONTHS, P, "months mois moisdevente" },
	{ FIELD_COLLECTION, P, "collection" },
	{ FIELD_CHANNEL, N, "channel canal medium" },
	{ FIELD_PURPOSE, N, "purpose finalite" },
	{ FIELD_STATE, N,
	  "state status statut etat subscriptionstatus emailstatus consent consentement optin newsletter subscribed" },
	{ FIELD_UNSUBSCRIBED_AT, N,
	  "unsubtime cleantime unsubscribedat unsubscribedate datedesinscription datededesinscription "
	  "datedesabonnement unsubscribed optouttime optoutdate desinscritle blocklistedat" },
	{ FIELD_STATE, N, "emailblocklisted blocklisted blacklisted emailblacklisted" },
	{ FIELD_SOURCE, N, "source consentsource origine preuve" },
	{ FIELD_WORDING, N, "wording texte mention" },
	{ FIELD_EVENT, E, "event name eventname type eventtype behavior behaviortype action evenement" },
	{ FIELD_VALUE, E, "value valeur amount montant" },
	{ FIELD_TEXT, E, "text texte comment commentaire details itemid productid url" },
};

const char *field_name(enum field f)
{
	return f < FIELD_COUNT ? NAMES[f] : "ignore";
}

int field_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (str_is(name, NAMES[i]))
			return (int)i;
	return str_is(name, "ignore") ? FIELD_IGNORE : -1;
}

/* The plain letter of U+00C0 … U+00FF. */
static char unaccented(unsigned char second)
{
	static const char LETTERS[] = "aaaaaaaceeeeiiiidnooooo ouuuuy  aaaaaaaceeeeiiiidnooooo ouuuuy y";
	return LETTERS[second & 0x3f];
}

size_t field_normalise(struct str header, char out[FIELD_HEADER_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < header.n && n + 1 < FIELD_HEADER_MAX; i++) {
		unsigned char b = (unsigned char)header.p[i];
		if (b >= 'A' && b <= 'Z')
			out[n++] = (char)(b + 32);
		else if ((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9'))
			out[n++] = (char)b;
		else if (b == 0xc3 && i + 1 < header.n && unaccented((unsigned char)header.p[++i]) != ' ')
			out[n++] = unaccented((unsigned char)header.p[i]);
	}
	out[n] = 0;
	return n;
}

int field_guess(struct str header, enum intake_kind kind, int *rank)
{
	char word[FIELD_HEADER_MAX];
	size_t n = field_normalise(header, word);
	int found = -1, best = 1 << 30;
	for (size_t i = 0; n && i < ARRAY_LEN(DICTIONARY); i++) {
		if (!(DICTIONARY[i].kinds & FIELDS_OF(kind)))
			continue;
		int position = 0;
		for (const char *p = DICTIONARY[i].headers; *p; position++) {
			size_t len = strcspn(p, " ");
			if (len == n && memcmp(p, word, n) == 0 && position < best) {
				best = position;
				found = (int)DICTIONARY[i].field;
			}
			p += len + (p[len] == ' ');
		}
	}
	*rank = best;
	return found;
}
