(** * Where Theorem 3.2 of the paper holds with the Lipschitz constant of f

    Statement.   For Euler's method, Heun's, the explicit midpoint rule, Bogacki and Shampine's method and the classic
                 RK4, with a K-Lipschitz f and z_n started at y_0 + ε: max over 0 ≤ n ≤ N of ‖z_n − y_n‖ ≤ G(hK)^N ‖ε‖
                 ≤ e^{(b − t0)K} ‖ε‖. Their growth polynomials are partial sums of the exponential.
    Assumptions. any normed space; h > 0; K ≥ 0; f(t, ·) is K-Lipschitz for every t; Nh = b − t0
    Source.      the paper's Theorem 3.2 and (20); theory, sections 1 and 2
    Verdict.     proved for every h
    Theorems.    theorem_3_2_with_the_constant_of_f, growth_below_exponential *)

From Coq Require Import Reals Lra List.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1 butcher_tableau runge_kutta.
From NatrobProofs Require Import tableaus tableau_growth.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** For x ≥ 0 no partial sum of Σ x^k/k! exceeds the whole. *)
Lemma partial_sum_below_exponential : forall x, 0 <= x ->
  forall order, sum_f_R0 (fun k => / INR (fact k) * x ^ k) order <= exp x.
Proof.
  intros x nonnegative order. apply sum_incr.
  - unfold exp. destruct (exist_exp x) as [value series]. exact series.
  - intro k. apply Rmult_le_pos; [|apply pow_le; exact nonnegative].
    left. apply Rinv_0_lt_compat. apply INR_fact_lt_0.
Qed.

(** Written out for order 4; the lower ones end earlier. *)
Lemma four_terms : forall x, 0 <= x -> 1 + x + x ^ 2 / 2 + x ^ 3 / 6 + x ^ 4 / 24 <= exp x.
Proof.
  intros x nonnegative. pose proof (partial_sum_below_exponential x nonnegative 4) as partial.
  simpl in partial. lra.
Qed.

(** G(x) ≤ e^x for every tableau of the library without negative coefficients *)
Theorem growth_below_exponential :
  Forall (fun tableau => forall x, 0 <= x -> runge_kutta_growth tableau x <= exp x) nonnegative_tableaus.
Proof.
  apply Forall_forall. intros tableau among x nonnegative.
  pose proof (four_terms x nonnegative). pose proof (pow_le x 2 nonnegative). pose proof (pow_le x 3 nonnegative).
  pose proof (pow_le x 4 nonnegative).
  destruct among as [<-|[<-|[<-|[<-|[<-|[<-|[]]]]]]].
  - rewrite euler_polynomial. lra.
  - rewrite heun_polynomial. lra.
  - rewrite midpoint_polynomial. lra.
  - rewrite rk4_polynomial. lra.
  - rewrite heun_euler_polynomial. lra.
  - rewrite bogacki_shampine_polynomial. lra.
Qed.

Lemma powers_of_exponential : forall x n, exp x ^ n = exp (INR n * x).
Proof.
  intros x n. induction n as [|n step]; [simpl; rewrite Rmult_0_l, exp_0; reflexivity|].
  change (exp x ^ S n) with (exp x * exp x ^ n). rewrite step, <- exp_plus, S_INR. f_equal. ring.
Qed.

Theorem theorem_3_2_with_the_constant_of_f : forall (V : NormedSpace) tableau f t0 b h K N (y epsilon : V),
  In tableau nonnegative_tableaus ->
  0 < h -> 0 <= K -> lipschitz V f K -> INR N * h = b - t0 ->
  largest (fun n =>
      ‖solution V (equal_step V tableau f t0 h) (y ⊕ epsilon) n ⊖ solution V (equal_step V tableau f t0 h) y n‖) N
    <= runge_kutta_growth tableau (h * K) ^ N * ‖epsilon‖
  /\ runge_kutta_growth tableau (h * K) ^ N * ‖epsilon‖ <= exp ((b - t0) * K) * ‖epsilon‖.
Proof.
  intros V tableau f t0 b h K N y epsilon among forward nonnegative constant horizon.
  assert (0 <= h * K) as x_nonnegative by (apply Rmult_le_pos; lra).
  pose proof (growth_at_least_one tableau (h * K) x_nonnegative) as expanding.
  split.
  - (* the bound of [theorem_3_2_repaired], where G(hK) = 1 + hL *)
    rewrite growth_from_increment. exact (proj1 (theorem_3_2_repaired V tableau f t0 b h K N y epsilon
      forward nonnegative constant horizon)).
  - apply Rmult_le_compat_r; [apply norm_nonnegative|].
    pose proof (proj1 (Forall_forall _ _) growth_below_exponential tableau among (h * K) x_nonnegative) as below.
    apply Rle_trans with (exp (h * K) ^ N); [apply pow_incr; lra|].
    right. rewrite powers_of_exponential. f_equal. rewrite <- horizon. ring.
Qed.
