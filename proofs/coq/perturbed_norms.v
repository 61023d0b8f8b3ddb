(** * Norms and eigenvalues of a matrix that is known with an error

    Statement.   If ‖Au − Bu‖ ≤ δ‖u‖ for all u, and B has the norm c, then A has at most the norm c + δ; likewise for the
                 largest value of ⟨Au, u⟩ on the unit sphere (Weyl). The Frobenius norm of the error serves as δ.
    Assumptions. any inner product space; nothing about how B was computed
    Source.      theory, sections 5 and 7; Horn and Johnson, Matrix Analysis, 4.3
    Verdict.     proved as stated
    Theorems.    norm_with_error, one_sided_with_error, rows_bound_the_norm *)

From Coq Require Import Reals Lra List.
From NatrobProofs Require Import normed_space inner_product_space.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section PerturbedNorms.

Variable E F : InnerProductSpace.

Definition norm_at_most (A : E -> F) (c : R) : Prop := forall u, ‖A u‖ <= c * ‖u‖.

Theorem norm_with_error : forall A B c delta,
  norm_at_most B c -> (forall u, ‖A u ⊖ B u‖ <= delta * ‖u‖) -> norm_at_most A (c + delta).
Proof.
  intros A B c delta known error u.
  (* Au = (Au − Bu) + Bu *)
  replace (A u) with ((A u ⊖ B u) ⊕ B u) by vector.
  apply Rle_trans with (‖A u ⊖ B u‖ + ‖B u‖); [apply norm_triangle|].
  pose proof (known u). pose proof (error u). lra.
Qed.

(** Weyl's inequality for the largest eigenvalue of the symmetric part. *)
Theorem one_sided_with_error : forall (A B : E -> E) mu delta,
  (forall u, ⟨B u, u⟩ <= mu * (‖u‖ * ‖u‖)) -> (forall u, ‖A u ⊖ B u‖ <= delta * ‖u‖) ->
  forall u, ⟨A u, u⟩ <= (mu + delta) * (‖u‖ * ‖u‖).
Proof.
  intros A B mu delta known error u.
  replace (⟨A u, u⟩) with (⟨A u ⊖ B u, u⟩ + ⟨B u, u⟩) by (expand_dot; ring).
  (* ⟨Au − Bu, u⟩ ≤ ‖Au − Bu‖‖u‖ ≤ δ‖u‖² *)
  pose proof (cauchy_schwarz E (A u ⊖ B u) u) as angle.
  pose proof (Rmult_le_compat_r (‖u‖) _ _ (norm_nonnegative E u) (error u)) as size.
  pose proof (known u). lra.
Qed.

(** A matrix with the rows w_1, …, w_m maps u to (⟨w_1, u⟩, …, ⟨w_m, u⟩). *)
Definition image_squared (rows : list E) (u : E) : R := fold_right (fun w sum => ⟨w, u⟩ * ⟨w, u⟩ + sum) 0 rows.

Definition frobenius_squared (rows : list E) : R := fold_right (fun w sum => ‖w‖ * ‖w‖ + sum) 0 rows.

Theorem rows_bound_the_norm : forall rows u, image_squared rows u <= frobenius_squared rows * (‖u‖ * ‖u‖).
Proof.
  intros rows u. induction rows as [|w rest step]; simpl; [lra|].
  (* ⟨w, u⟩² ≤ ‖w‖²‖u‖² *)
  assert (⟨w, u⟩ * ⟨w, u⟩ <= (‖w‖ * ‖u‖) * (‖w‖ * ‖u‖)) as one_row.
  { apply Rsqr_le_abs_1. rewrite (Rabs_right (‖w‖ * ‖u‖)).
    - apply cauchy_schwarz_absolute.
    - apply Rle_ge, Rmult_le_pos; apply norm_nonnegative. }
  fold (image_squared rest u) (frobenius_squared rest). lra.
Qed.

End PerturbedNorms.
