# BG/NBD by optim, as R users fit it: vectorised likelihood, L-BFGS-B on the logarithms from 1.
# Arguments: file of doubles x[n], t_x[n], T[n], weight[n]; n. Prints the seconds of the fit and the log-likelihood.
a <- commandArgs(TRUE)
n <- as.integer(a[2])
f <- file(a[1], "rb")
x <- readBin(f, "double", n); tx <- readBin(f, "double", n); T <- readBin(f, "double", n); w <- readBin(f, "double", n)
close(f)
repeated <- x > 0
minus <- function(theta) {
  p <- exp(theta); r <- p[1]; alpha <- p[2]; a <- p[3]; b <- p[4]
  A <- lgamma(r + x) - lgamma(r) + r * log(alpha)
  B <- lbeta(a, b + x) - lbeta(a, b)
  u <- -(r + x) * log(alpha + T)
  v <- ifelse(repeated, log(a) - log(b + pmax(x, 1) - 1) - (r + x) * log(alpha + tx), -Inf)
  top <- pmax(u, v)
  -sum(w * (A + B + top + log(exp(u - top) + exp(v - top))))
}
time <- system.time(o <- optim(c(0, 0, 0, 0), minus, method = "L-BFGS-B", lower = -10, upper = 10))["elapsed"]
cat(sprintf("%.4f %.6f\n", time, -o$value))
