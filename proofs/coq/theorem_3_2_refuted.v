(** * Theorem 3.2 of the paper with the Lipschitz constant of f

    Statement.   For a one-step method y_{n+1} = y_n + hΦ(t_n, y_n) and a K-Lipschitz f, with z_n started at y_0 + ε:
                 ‖z_N − y_N‖ ≤ e^{(b − t0)K} ‖ε‖. The counterexample: y' = y, so K = 1, and one step of dopri5 with
                 h = 1 multiplies every distance by 1631/600 = 2.71833… > e.
    Assumptions. any normed space with a vector other than zero; for the negation of the statement, the real line
    Source.      the paper's Theorem 3.2; theory, section 2
    Verdict.     refuted with a counterexample
    Theorems.    theorem_3_2_refuted, dopri5_outgrows_the_exponential, e_below_the_growth *)

From Coq Require Import Reals Lra Lia QArith Qreals List FunctionalExtensionality.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1 butcher_tableau runge_kutta tableaus.
Open Scope R_scope.
Open Scope vector_scope.

(** ** e < 1631/600 *)

(** e^{-1} = Σ (−1)^k/k!; a partial sum that ends with a negative term lies below the whole. *)
Lemma partial_sums_of_the_inverse : forall N,
  sum_f_R0 (tg_alt (fun k => / INR (fact k))) (S (2 * N)) <= exp (-1).
Proof.
  intro N. apply alternated_series_ineq.
  - (* 1/k! decreases *)
    intro k. apply Rinv_le_contravar; [apply INR_fact_lt_0|]. apply le_INR. apply fact_le. lia.
  - (* and tends to 0 *)
    intros distance positive. destruct (cv_speed_pow_fact 1 distance positive) as [start close].
    exists start. intros k later. specialize (close k later). rewrite pow1 in close.
    unfold Rdiv in close. rewrite Rmult_1_l in close. exact close.
  - (* the sum is e^{-1} *)
    unfold exp. destruct (exist_exp (-1)) as [value series]. simpl.
    intros distance positive. destruct (series distance positive) as [start close].
    exists start. intros k later. specialize (close k later).
    replace (sum_f_R0 (tg_alt (fun n => / INR (fact n))) k)
      with (sum_f_R0 (fun n => / INR (fact n) * (-1) ^ n) k); [exact close|].
    apply sum_eq. intros n _. unfold tg_alt. ring.
Qed.

(** Ten terms: 1 − 1 + 1/2! − … − 1/9! *)
Lemma ten_terms : sum_f_R0 (tg_alt (fun k => / INR (fact k))) 9 = 16687 / 45360.
Proof.
  unfold tg_alt. cbn [sum_f_R0].
  (* the factorials as products *)
  rewrite !fact_simpl, !mult_INR. change (fact 0) with 1%nat. cbn [INR pow]. field.
Qed.

Lemma e_below_the_growth : exp 1 < 1631 / 600.
Proof.
  pose proof (partial_sums_of_the_inverse 4) as inverse. change (S (2 * 4)) with 9%nat in inverse.
  rewrite ten_terms in inverse.
  assert (600 / 1631 < exp (-1)) as enough by lra.
  assert (exp 1 * exp (-1) = 1) as one.
  { rewrite <- exp_plus. replace (1 + -1) with 0 by lra. apply exp_0. }
  pose proof (exp_pos 1) as positive.
  pose proof (Rmult_lt_compat_l (exp 1) _ _ positive enough). lra.
Qed.

(** ** The witness *)

Lemma dopri5_stability : runge_kutta_stability dopri5 1 = 1631 / 600.
Proof.
  rewrite <- Q2R_one, <- runge_kutta_stability_twin, dopri5_stability_at_one. unfold Q2R. simpl. lra.
Qed.

(** y' = y is y' = 1y. *)
Lemma one_step_of_the_witness : forall (V : NormedSpace) t0 (y : V),
  runge_kutta_step V dopri5 (fun _ u => u) t0 1 y = (1631 / 600) • y.
Proof.
  intros V t0 y. rewrite <- dopri5_stability.
  replace (fun (_ : R) (u : V) => u) with (fun (_ : R) (u : V) => 1 • u).
  - rewrite step_of_a_multiple, Rmult_1_r. reflexivity.
  - do 2 (apply functional_extensionality; intro). apply scale_one.
Qed.

(** In every normed space, from every y, for every ε ≠ 0. *)
Theorem dopri5_outgrows_the_exponential : forall (V : NormedSpace) (t0 : R) (y epsilon : V),
  epsilon <> zero ->
  lipschitz V (fun _ u => u) 1 /\
  exp 1 * ‖epsilon‖
    < ‖runge_kutta_step V dopri5 (fun _ u => u) t0 1 (y ⊕ epsilon) ⊖ runge_kutta_step V dopri5 (fun _ u => u) t0 1 y‖.
Proof.
  intros V t0 y epsilon perturbed. split.
  - intros t z w. lra.
  - rewrite !one_step_of_the_witness.
    replace ((1631 / 600) • (y ⊕ epsilon) ⊖ (1631 / 600) • y) with ((1631 / 600) • epsilon) by vector.
    rewrite norm_scale, Rabs_right by lra.
    apply Rmult_lt_compat_r; [|apply e_below_the_growth].
    (* ε ≠ 0 has a positive norm *)
    destruct (norm_nonnegative V epsilon) as [positive|null]; [exact positive|].
    contradiction perturbed. apply norm_separates. symmetry. exact null.
Qed.

(** ** The statement does not hold *)

(** The numbers are a normed space. *)
Definition real_line : NormedSpace.
Proof.
  refine {| carrier := R; zero := 0; add := Rplus; opposite := Ropp; scale := Rmult; norm := Rabs |};
    try (intros; ring).
  - exact Rabs_triang.
  - exact Rabs_mult.
  - intros u null. destruct (Req_dec u 0) as [equal|other]; [exact equal|]. contradiction (Rabs_no_R0 u other).
Defined.

Theorem theorem_3_2_refuted :
  ~ (forall (V : NormedSpace) (tableau : Tableau) (f : R -> V -> V) (t0 b h K : R) (N : nat) (y epsilon : V),
       consistent tableau -> 0 < h -> 0 <= K -> lipschitz V f K -> INR N * h = b - t0 ->
       ‖solution V (equal_step V tableau f t0 h) (y ⊕ epsilon) N ⊖ solution V (equal_step V tableau f t0 h) y N‖
         <= exp ((b - t0) * K) * ‖epsilon‖).
Proof.
  intro claim.
  assert ((1 : real_line) <> zero) as perturbed by (simpl; lra).
  destruct (dopri5_outgrows_the_exponential real_line (0 + INR 0 * 1) zero (1 : real_line) perturbed)
    as [constant outgrows].
  assert (consistent dopri5) as printed.
  { apply (proj1 (Forall_forall _ _) tableaus_are_consistent). simpl. auto 10. }
  (* one step, N = 1, from t_0 = 0 to b = 1 *)
  assert (INR 1 * 1 = 1 - 0) as horizon by (simpl; lra).
  specialize (claim real_line dopri5 (fun _ u => u) 0 1 1 1 1%nat zero 1 printed Rlt_0_1 Rle_0_1 constant horizon).
  replace ((1 - 0) * 1) with 1 in claim by ring.
  exact (Rlt_not_le _ _ outgrows claim).
Qed.
