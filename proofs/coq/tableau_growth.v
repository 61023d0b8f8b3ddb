(** * The growth polynomials of the tableaus, and where e^{KT} does hold

    Statement.   G(x) = 1 + x for Euler's method, Σ_{k≤2} x^k/k! for Heun's method, also with Euler's embedded,
                 and the explicit midpoint rule,
                 Σ_{k≤3} x^k/k! for Bogacki and Shampine's, Σ_{k≤4} x^k/k! for the classic RK4,
                 1 + x + x² + x³/3 + x⁴/24 for the 3/8 rule, 1 + (7/5)x + (78911/10260)x² + (10625/4446)x³ +
                 (97/312)x⁴ + x⁵/104 for Fehlberg's, and for dopri5 1 + (5579/3392)x + (391473/23744)x² +
                 (1466443/267120)x³ + (81/100)x⁴ + x⁵/18 + x⁶/600.
    Assumptions. G is the growth factor of [butcher_tableau.v], the coefficients are those of [tableaus.v]
    Source.      theory, section 1; the paper's (2) and (20)
    Verdict.     proved as stated
    Theorems.    euler_polynomial, heun_polynomial, heun_euler_polynomial, midpoint_polynomial,
                 bogacki_shampine_polynomial, rk4_polynomial, three_eighths_polynomial, fehlberg45_polynomial, dopri5_polynomial *)

From Coq Require Import Reals QArith Qreals Qabs.
From NatrobProofs Require Import butcher_tableau tableaus.
Open Scope R_scope.

(** Writes the stages out; the magnitudes are computed as fractions first. *)
Ltac growth_polynomial :=
  intro x; unfold runge_kutta_growth, increment_factor; simpl;
  rewrite <- ?Q2R_absolute; unfold Q2R; simpl; field.

Theorem euler_polynomial : forall x, runge_kutta_growth euler x = 1 + x.
Proof.
  growth_polynomial.
Qed.

Theorem heun_polynomial : forall x, runge_kutta_growth heun x = 1 + x + x ^ 2 / 2.
Proof.
  growth_polynomial.
Qed.

Theorem heun_euler_polynomial : forall x, runge_kutta_growth heun_euler x = 1 + x + x ^ 2 / 2.
Proof.
  growth_polynomial.
Qed.

Theorem midpoint_polynomial : forall x, runge_kutta_growth midpoint x = 1 + x + x ^ 2 / 2.
Proof.
  growth_polynomial.
Qed.

Theorem bogacki_shampine_polynomial : forall x,
  runge_kutta_growth bogacki_shampine x = 1 + x + x ^ 2 / 2 + x ^ 3 / 6.
Proof.
  growth_polynomial.
Qed.

Theorem rk4_polynomial : forall x, runge_kutta_growth rk4 x = 1 + x + x ^ 2 / 2 + x ^ 3 / 6 + x ^ 4 / 24.
Proof.
  growth_polynomial.
Qed.

Theorem three_eighths_polynomial : forall x,
  runge_kutta_growth three_eighths x = 1 + x + x ^ 2 + x ^ 3 / 3 + x ^ 4 / 24.
Proof.
  growth_polynomial.
Qed.

Theorem fehlberg45_polynomial : forall x,
  runge_kutta_growth fehlberg45 x
    = 1 + 7 / 5 * x + 78911 / 10260 * x ^ 2 + 10625 / 4446 * x ^ 3 + 97 / 312 * x ^ 4 + x ^ 5 / 104.
Proof.
  growth_polynomial.
Qed.

Theorem dopri5_polynomial : forall x,
  runge_kutta_growth dopri5 x
    = 1 + 5579 / 3392 * x + 391473 / 23744 * x ^ 2 + 1466443 / 267120 * x ^ 3 + 81 / 100 * x ^ 4 + x ^ 5 / 18
      + x ^ 6 / 600.
Proof.
  growth_polynomial.
Qed.
