(** * Theorem 3.1 of the paper

    Statement.   For Euler's method y_{n+1} = y_n + h f(t_n, y_n) with a K-Lipschitz f, and z_n started at y_0 + ε:
                 max over 0 ≤ n ≤ N of ‖z_n − y_n‖ ≤ (1 + hK)^N ‖ε‖ ≤ e^{NhK} ‖ε‖ = e^{(b − t0)K} ‖ε‖.
    Assumptions. any normed space; h > 0; K ≥ 0; f(t, ·) is K-Lipschitz for every t; Nh = b − t0
    Source.      the paper's Theorem 3.1, (10) and (11)
    Verdict.     proved for every h
    Theorems.    discrete_bound, below_exponential, theorem_3_1, discrete_bound_is_attained *)

From Coq Require Import Reals Lra QArith Qreals.
From NatrobProofs Require Import normed_space one_step_methods.
Open Scope R_scope.
Open Scope vector_scope.

Section Theorem_3_1.

Variable V : NormedSpace.

Definition lipschitz (f : R -> V -> V) (K : R) : Prop := forall t z y, ‖f t z ⊖ f t y‖ <= K * ‖z ⊖ y‖.

(** Step n of Euler's method, from t_n = t0 + nh. *)
Definition euler_step (f : R -> V -> V) (t0 h : R) (n : nat) (y : V) : V := y ⊕ h • f (t0 + INR n * h) y.

(** The growth factor of one step, (1 + hK): what the code computes for Euler's method. *)
Definition euler_growth (x : R) : R := 1 + x.

(** The same over the rationals, where it can be evaluated. *)
Definition euler_growth_Q (x : Q) : Q := 1 + x.

Lemma euler_growth_at_rationals : forall x, Q2R (euler_growth_Q x) = euler_growth (Q2R x).
Proof.
  intro x. unfold euler_growth_Q, euler_growth. rewrite Q2R_plus. unfold Q2R at 1. simpl. field.
Qed.

Lemma one_euler_step : forall f t0 h K n,
  0 < h -> lipschitz f K -> grows_at_most V (euler_step f t0 h n) (euler_growth (h * K)).
Proof.
  intros f t0 h K n positive constant z y. unfold euler_step, euler_growth.
  set (t := t0 + INR n * h).
  (* e_{n+1} = e_n + h (f(z_n) − f(y_n)) *)
  replace ((z ⊕ h • f t z) ⊖ (y ⊕ h • f t y)) with ((z ⊖ y) ⊕ h • (f t z ⊖ f t y)) by vector.
  (* ‖e_{n+1}‖ ≤ ‖e_n‖ + h ‖f(z_n) − f(y_n)‖ *)
  apply Rle_trans with (‖z ⊖ y‖ + ‖h • (f t z ⊖ f t y)‖); [apply norm_triangle|].
  rewrite norm_scale, Rabs_right by lra.
  (* … ≤ ‖e_n‖ + hK ‖e_n‖ *)
  pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) (constant t z y)). lra.
Qed.

(** (10) *)
Theorem discrete_bound : forall f t0 h K,
  0 < h -> 0 <= K -> lipschitz f K ->
  forall z y n, ‖solution V (euler_step f t0 h) z n ⊖ solution V (euler_step f t0 h) y n‖ <= (1 + h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros f t0 h K positive nonnegative constant z y n.
  assert (0 <= h * K) by (apply Rmult_le_pos; lra).
  apply growth_over_equal_steps; [lra|]. intro m. apply one_euler_step; assumption.
Qed.

(** (11): 1 + x ≤ e^x, and powers of both sides. *)
Theorem below_exponential : forall h K n, 0 < h -> 0 <= K -> (1 + h * K) ^ n <= exp (INR n * h * K).
Proof.
  intros h K n positive nonnegative.
  assert (0 <= h * K) by (apply Rmult_le_pos; lra).
  induction n as [|n step].
  - simpl. replace (0 * h * K) with 0 by ring. rewrite exp_0. lra.
  - replace (INR (S n) * h * K) with (h * K + INR n * h * K) by (rewrite S_INR; ring).
    rewrite exp_plus. simpl. apply Rmult_le_compat; try lra.
    + apply pow_le. lra.
    + apply exp_ineq1_le.
Qed.

Theorem theorem_3_1 : forall f t0 b h K N y epsilon,
  0 < h -> 0 <= K -> lipschitz f K -> INR N * h = b - t0 ->
  largest (fun n => ‖solution V (euler_step f t0 h) (y ⊕ epsilon) n ⊖ solution V (euler_step f t0 h) y n‖) N
    <= (1 + h * K) ^ N * ‖epsilon‖
  /\ (1 + h * K) ^ N * ‖epsilon‖ <= exp ((b - t0) * K) * ‖epsilon‖.
Proof.
  intros f t0 b h K N y epsilon positive nonnegative constant horizon.
  assert (0 <= h * K) by (apply Rmult_le_pos; lra).
  split.
  - assert (‖epsilon‖ = ‖(y ⊕ epsilon) ⊖ y‖) as start by (f_equal; vector). rewrite start.
    apply largest_distance; [lra|]. intro m. apply one_euler_step; assumption.
  - apply Rmult_le_compat_r; [apply norm_nonnegative|].
    rewrite <- horizon. apply below_exponential; assumption.
Qed.

(** f = Ky attains (10): no smaller factor holds for every K-Lipschitz f. *)
Theorem discrete_bound_is_attained : forall t0 h K,
  0 < h -> 0 <= K ->
  lipschitz (fun _ y => K • y) K /\
  forall z y n,
    ‖solution V (euler_step (fun _ u => K • u) t0 h) z n ⊖ solution V (euler_step (fun _ u => K • u) t0 h) y n‖
      = (1 + h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros t0 h K positive nonnegative.
  assert (0 <= h * K) by (apply Rmult_le_pos; lra).
  split.
  - intros t z y. replace (K • z ⊖ K • y) with (K • (z ⊖ y)) by vector. rewrite norm_scale, Rabs_right; lra.
  - intros z y n. induction n as [|n step]; simpl.
    + ring.
    + unfold euler_step at 1 3.
      set (u := solution V (euler_step (fun _ v => K • v) t0 h) z n) in *.
      set (w := solution V (euler_step (fun _ v => K • v) t0 h) y n) in *.
      replace ((u ⊕ h • (K • u)) ⊖ (w ⊕ h • (K • w))) with ((1 + h * K) • (u ⊖ w)) by vector.
      rewrite norm_scale, Rabs_right, step by lra. ring.
Qed.

End Theorem_3_1.
