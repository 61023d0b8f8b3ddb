(** * Backward Euler with inexact solves

    Statement.   If the implicit equations of a step are solved up to residuals r_z and r_y, then
                 ‖e_{n+1}‖ ≤ (‖e_n‖ + ‖r_y‖ + ‖r_z‖)/(1 − hμ), and over n steps the residuals of step j are multiplied
                 by the factors of the steps from j on.
    Assumptions. any inner product space; h > 0; f(t, ·) has the one-sided constant μ; hμ < 1
    Source.      theory, section 1, inexact implicit solves
    Verdict.     proved for every h
    Theorems.    inexact_backward_step, inexact_backward_growth *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space theorem_3_1 one_sided backward_euler.
Open Scope R_scope.
Open Scope vector_scope.

Section InexactSolves.

Variable E : InnerProductSpace.

(** y' = y + h f(t, y') + r *)
Definition inexact_step (f : R -> E -> E) (t h : R) (before after residual : E) : Prop :=
  after = (before ⊕ h • f t after) ⊕ residual.

(** e' − hΔf' = e + r_z − r_y *)
Theorem inexact_backward_step : forall f t h mu z y after_z after_y residual_z residual_y,
  0 < h -> one_sided E f mu -> h * mu < 1 ->
  inexact_step f t h z after_z residual_z -> inexact_step f t h y after_y residual_y ->
  ‖after_z ⊖ after_y‖ <= backward_euler_growth (h * mu) * (‖z ⊖ y‖ + ‖residual_y‖ + ‖residual_z‖).
Proof.
  intros f t h mu z y after_z after_y residual_z residual_y positive constant room step_z step_y.
  apply divide_by_room; [assumption|].
  apply Rle_trans with (‖(after_z ⊖ after_y) ⊖ h • (f t after_z ⊖ f t after_y)‖).
  - apply implicit_step_inverse; assumption.
  - replace ((after_z ⊖ after_y) ⊖ h • (f t after_z ⊖ f t after_y)) with ((z ⊖ y) ⊖ residual_y ⊕ residual_z).
    + apply Rle_trans with (‖(z ⊖ y) ⊖ residual_y‖ + ‖residual_z‖); [apply norm_triangle|].
      apply Rplus_le_compat_r. apply Rle_trans with (‖z ⊖ y‖ + ‖opposite residual_y‖); [apply norm_triangle|].
      rewrite norm_opposite. lra.
    + unfold inexact_step in *.
      set (p := f t after_z) in *. set (q := f t after_y) in *. clearbody p q. rewrite step_z, step_y. vector.
Qed.

(** G^n‖e_0‖ + Σ_{j<n} G^{n−j}(‖r_y,j‖ + ‖r_z,j‖), as the recursion that adds one step. *)
Fixpoint inexact_bound (G start : R) (residuals : nat -> R) (n : nat) : R :=
  match n with
  | O => start
  | S before => G * (inexact_bound G start residuals before + residuals before)
  end.

Theorem inexact_backward_growth : forall f t0 h mu (z y residual_z residual_y : nat -> E),
  0 < h -> one_sided E f mu -> h * mu < 1 ->
  (forall n, inexact_step f (t0 + INR (S n) * h) h (z n) (z (S n)) (residual_z n)) ->
  (forall n, inexact_step f (t0 + INR (S n) * h) h (y n) (y (S n)) (residual_y n)) ->
  forall n, ‖z n ⊖ y n‖
    <= inexact_bound (backward_euler_growth (h * mu)) (‖z O ⊖ y O‖) (fun m => ‖residual_y m‖ + ‖residual_z m‖) n.
Proof.
  intros f t0 h mu z y residual_z residual_y positive constant room solves_z solves_y n.
  pose proof (backward_euler_growth_positive _ room).
  induction n as [|n step]; simpl; [lra|].
  apply Rle_trans with (backward_euler_growth (h * mu) * (‖z n ⊖ y n‖ + ‖residual_y n‖ + ‖residual_z n‖)).
  - apply inexact_backward_step with (f := f) (t := t0 + INR (S n) * h); auto.
  - apply Rmult_le_compat_l; lra.
Qed.

End InexactSolves.
