/* The library as another program uses it: only relance.h and librelance.so. The shop is made by the program itself.
 * usage: test_lib RELANCE */
#include <relance.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REQUIRE(what)                                                                                                  \
	do {                                                                                                               \
		if (!(what)) {                                                                                                 \
			fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #what, error);                             \
			exit(1);                                                                                                   \
		}                                                                                                              \
	} while (0)

static char error[RELANCE_ERROR_MAX] = "";
enum { CUSTOMERS = 120, THREADS = 4, CALLS = 2000 };

/* Everybody buys a lamp; two of three a bulb beside it, the others a cup. P1 is a product nobody may be offered: POST.
 */
static void write_orders(const char *path)
{
	FILE *f = fopen(path, "w");
	REQUIRE(f);
	fprintf(f, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n");
	for (int c = 0; c < CUSTOMERS; c++) {
		fprintf(f, "%d,LAMP,A lamp,1,2025-03-%02d 10:00:00,40.00,%d,France\n", c, 1 + c % 28, 1000 + c);
		if (c)
			fprintf(f, "%d,%s,%s,1,2025-03-%02d 10:00:00,4.00,%d,France\n", c, c % 3 ? "BULB" : "CUP",
			        c % 3 ? "Une ampoule à vis" : "A cup", 1 + c % 28, 1000 + c);
		fprintf(f, "%d,POST,POSTAGE,1,2025-03-%02d 10:00:00,3.00,%d,France\n", c, 1 + c % 28, 1000 + c);
	}
	REQUIRE(fclose(f) == 0);
}

static void make_shop(const char *relance, const char *folder, char *db, size_t room)
{
	char command[4096], orders[512];
	snprintf(db, room, "%s/shop.db", folder);
	snprintf(orders, sizeof orders, "%s/orders.csv", folder);
	write_orders(orders);
	snprintf(command, sizeof command,
	         "'%s' init '%s' --timezone Europe/London --currency GBP --locale en >/dev/null && "
	         "'%s' import '%s' '%s' --as orders --not-products POST >/dev/null",
	         relance, db, relance, db, orders);
	REQUIRE(system(command) == 0);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check_answers(relance_shop *shop)
{
	relance_proposal p[RELANCE_PROPOSALS_MAX];
	int n = relance_recommend(shop, "1000", RELANCE_CROSS, NULL, 0, p, 3, error);
	REQUIRE(n >= 1 && !strcmp(p[0].sku, "BULB") && !strcmp(p[0].name, "Une ampoule à vis"));
	REQUIRE(p[0].both > 0 && p[0].both <= p[0].of && p[0].price_minor == 400 && strlen(p[0].why) > 10);
	for (int i = 0; i < n; i++)
		REQUIRE(strcmp(p[i].sku, "LAMP") && strcmp(p[i].sku, "POST"));
	const char *basket[] = { "LAMP", "no such thing" };
	n = relance_recommend(shop, NULL, RELANCE_CROSS, basket, 2, p, 1, error);
	REQUIRE(n == 1 && !strcmp(p[0].sku, "BULB") && !strcmp(p[0].because, "LAMP"));
	REQUIRE(relance_recommend(shop, "nobody", RELANCE_CROSS, NULL, 0, p, 3, error) == -1 &&
	        strstr(error, "no such customer"));
	REQUIRE(relance_recommend(shop, "1000", (relance_kind)9, NULL, 0, p, 3, NULL) == -1);
	REQUIRE(relance_segment_count(shop, "orders >= 1", error) == CUSTOMERS);
	REQUIRE(relance_segment_count(shop, "spend > 41 GBP", error) == CUSTOMERS);
	REQUIRE(relance_segment_count(shop, "spend > 43.50 GBP", error) == CUSTOMERS - 1);
	REQUIRE(relance_segment_count(shop, "lifecicle = new", error) == -1 && strstr(error, "did you mean"));
	relance_customer c;
	REQUIRE(relance_lifecycle(shop, "1001", &c, error) == 0 && c.orders == 1 && c.spend_minor == 4700 &&
	        c.last_order == 20149);
	REQUIRE(!strcmp(c.phase, "lapsing") || !strcmp(c.phase, "former"));
	REQUIRE(relance_lifecycle(shop, "nobody", &c, error) == -1);
}

static void *ask(void *ctx)
{
	relance_proposal p[3];
	for (int i = 0; i < CALLS; i++) {
		char who[16];
		snprintf(who, sizeof who, "%d", 1000 + i % CUSTOMERS);
		int n = relance_recommend(ctx, who, RELANCE_CROSS, NULL, 0, p, 3, NULL);
		REQUIRE(n >= 0 && n <= 3);
		if (i == CALLS / 2)
			REQUIRE(relance_segment_count(ctx, "orders >= 1", NULL) == CUSTOMERS);
	}
	return NULL;
}

static void check_threads(relance_shop *shop)
{
	pthread_t threads[THREADS];
	double from = seconds();
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, ask, shop) == 0);
	for (int i = 0; i < 3; i++)
		REQUIRE(relance_refresh(shop, error) == 0); /* while they ask */
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	double each = (seconds() - from) / CALLS; /* of one thread */
	printf("one call: %.0f us\n", each * 1e6);
	REQUIRE(each < 0.005); /* 1 ms is the goal: room for a busy machine */
	check_answers(shop);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/relance-lib-XXXXXX", db[512], command[600];
	REQUIRE(argc == 2);
	REQUIRE(mkdtemp(folder));
	make_shop(argv[1], folder, db, sizeof db);
	REQUIRE(relance_open("/nowhere/shop.db", error) == NULL && error[0]);
	REQUIRE(relance_open("/nowhere/shop.db", NULL) == NULL);
	relance_close(NULL);
	relance_shop *shop = relance_open(db, error);
	REQUIRE(shop);
	check_answers(shop);
	check_threads(shop);
	relance_close(shop);
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	REQUIRE(system(command) == 0);
	puts("ok");
	return 0;
}
