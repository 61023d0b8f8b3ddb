(** * Two solves, each on its own grid

    Statement.   ‖z_N − y_M‖ ≤ e^{μT}‖ε‖ + E_y + E_z with E = Σ_j e^{μ(T − t_{j+1})}‖LTE_j‖, for numerical solutions on
                 two grids from t0 to t0 + T that start ε apart.
    Assumptions. any normed space; exact flows Φ from t to s with ‖Φz − Φy‖ ≤ e^{μ(s − t)}‖z − y‖ (exact_flow.v) and
                 Φ from t over s to r equal to Φ from t to r, t ≤ s ≤ r; LTE_j is the true local error of step j, not
                 an estimate of it
    Source.      theory, section 4; Hairer, Nørsett, Wanner, Solving ODEs I, II.3
    Verdict.     proved as stated
    Theorems.    error_of_one_solve, affine_bound *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space.
Open Scope R_scope.
Open Scope vector_scope.

Section TwoGrids.

Variable V : NormedSpace.
Variable flow : R -> R -> V -> V.
Variable mu : R.
Hypothesis flow_grows : forall t s z y, t <= s -> ‖flow t s z ⊖ flow t s y‖ <= exp (mu * (s - t)) * ‖z ⊖ y‖.
Hypothesis flow_composes : forall t s r y, t <= s -> s <= r -> flow s r (flow t s y) = flow t r y.
Hypothesis flow_rests : forall t y, flow t t y = y.

(** y_{n+1} = (the exact flow from y_n over step n) + LTE_n, at the times t_n. *)
Definition numerical (time : nat -> R) (y local_error : nat -> V) : Prop :=
  forall n, time n <= time (S n) /\ y (S n) = flow (time n) (time (S n)) (y n) ⊕ local_error n.

(** Σ_{j<n} e^{μ(T − t_{j+1})}‖LTE_j‖ with T the end time: a later end multiplies the sum by e^{μ(difference)}. *)
Fixpoint accumulated (time : nat -> R) (local_error : nat -> V) (end_time : R) (n : nat) : R :=
  match n with
  | O => 0
  | S before => accumulated time local_error end_time before + exp (mu * (end_time - time n)) * ‖local_error before‖
  end.

Lemma accumulated_carried : forall time local_error from to n,
  exp (mu * (to - from)) * accumulated time local_error from n = accumulated time local_error to n.
Proof.
  intros time local_error from to n. induction n as [|n step]; simpl; [ring|].
  rewrite Rmult_plus_distr_l, step, <- Rmult_assoc, <- exp_plus. f_equal. f_equal. f_equal. ring.
Qed.

Lemma times_increase : forall time y local_error, numerical time y local_error -> forall n, time O <= time n.
Proof.
  intros time y local_error solve n. induction n as [|n step]; [lra|]. destruct (solve n). lra.
Qed.

(** The flow carries the local error of step j from t_{j+1} to the end. *)
Theorem error_of_one_solve : forall time y local_error, numerical time y local_error ->
  forall n, ‖y n ⊖ flow (time O) (time n) (y O)‖ <= accumulated time local_error (time n) n.
Proof.
  intros time y local_error solve n. induction n as [|n step].
  - simpl. rewrite flow_rests, add_opposite, norm_zero. lra.
  - destruct (solve n) as [forward next]. pose proof (times_increase time y local_error solve n) as start.
    rewrite <- (flow_composes _ _ _ _ start forward), next.
    set (carried := flow (time n) (time (S n)) (y n)).
    set (exact := flow (time n) (time (S n)) (flow (time O) (time n) (y O))).
    replace ((carried ⊕ local_error n) ⊖ exact) with ((carried ⊖ exact) ⊕ local_error n) by vector.
    apply Rle_trans with (‖carried ⊖ exact‖ + ‖local_error n‖); [apply norm_triangle|].
    pose proof (flow_grows _ _ (y n) (flow (time O) (time n) (y O)) forward) as growth. fold carried exact in growth.
    pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ (exp_pos (mu * (time (S n) - time n)))) step) as scaled.
    rewrite accumulated_carried in scaled.
    cbn [accumulated]. replace (mu * (time (S n) - time (S n))) with 0 by ring. rewrite exp_0. lra.
Qed.

Theorem affine_bound : forall time_z time_y z y error_z error_y N M t0 b,
  numerical time_z z error_z -> numerical time_y y error_y ->
  time_z O = t0 -> time_y O = t0 -> time_z N = b -> time_y M = b ->
  ‖z N ⊖ y M‖ <= exp (mu * (b - t0)) * ‖z O ⊖ y O‖ + accumulated time_y error_y b M + accumulated time_z error_z b N.
Proof.
  intros time_z time_y z y error_z error_y N M t0 b solve_z solve_y start_z start_y end_z end_y.
  pose proof (error_of_one_solve time_z z error_z solve_z N) as of_z.
  pose proof (error_of_one_solve time_y y error_y solve_y M) as of_y.
  pose proof (times_increase time_z z error_z solve_z N) as forward.
  rewrite start_z, end_z in *. rewrite start_y, end_y in *.
  pose proof (flow_grows t0 b (z O) (y O) forward) as growth.
  set (p := flow t0 b (z O)) in *. set (q := flow t0 b (y O)) in *.
  (* z_N − y_M = (z_N − Φz_0) + (Φz_0 − Φy_0) − (y_M − Φy_0) *)
  replace (z N ⊖ y M) with ((z N ⊖ p) ⊕ (p ⊖ q) ⊖ (y M ⊖ q)) by vector.
  pose proof (norm_triangle _ ((z N ⊖ p) ⊕ (p ⊖ q)) (opposite (y M ⊖ q))) as outer.
  pose proof (norm_triangle _ (z N ⊖ p) (p ⊖ q)) as inner.
  rewrite norm_opposite in outer. lra.
Qed.

End TwoGrids.
