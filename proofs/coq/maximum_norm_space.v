(** * R^n with the maximum norm

    The vectors of n coordinates with ‖u‖ = max_i |u_i| are a normed space: the bounds from a Lipschitz constant hold in
    it as they do in the Euclidean norm, with the constant taken in this norm. *)

From Coq Require Import Reals Lra FunctionalExtensionality.
From NatrobProofs Require Import normed_space coordinates.
Open Scope R_scope.

Definition maximum_norm {n} (u : coordinates n) : R := maximum (fun i => Rabs (u i)).

Lemma coordinate_below_maximum_norm : forall n (u : coordinates n) i, Rabs (u i) <= maximum_norm u.
Proof.
  intros n u i. apply (maximum_is_largest n (fun j => Rabs (u j))).
Qed.

Lemma maximum_norm_nonnegative : forall n (u : coordinates n), 0 <= maximum_norm u.
Proof.
  intros n u. apply maximum_nonnegative.
Qed.

Lemma maximum_norm_triangle : forall n (u v : coordinates n),
  maximum_norm (add_coordinates u v) <= maximum_norm u + maximum_norm v.
Proof.
  intros n u v. pose proof (maximum_norm_nonnegative n u). pose proof (maximum_norm_nonnegative n v).
  apply maximum_is_least; [lra|]. intro i. unfold add_coordinates.
  pose proof (Rabs_triang (u i) (v i)). pose proof (coordinate_below_maximum_norm n u i).
  pose proof (coordinate_below_maximum_norm n v i). lra.
Qed.

(** One direction; the other comes from undoing the multiplication. *)
Lemma maximum_norm_of_multiple_at_most : forall n a (u : coordinates n),
  maximum_norm (scale_coordinates a u) <= Rabs a * maximum_norm u.
Proof.
  intros n a u. pose proof (Rabs_pos a) as nonnegative.
  apply maximum_is_least; [apply Rmult_le_pos; [exact nonnegative|apply maximum_norm_nonnegative]|].
  intro i. unfold scale_coordinates. rewrite Rabs_mult.
  apply Rmult_le_compat_l; [exact nonnegative|apply coordinate_below_maximum_norm].
Qed.

Lemma maximum_norm_of_multiple : forall n a (u : coordinates n),
  maximum_norm (scale_coordinates a u) = Rabs a * maximum_norm u.
Proof.
  intros n a u. apply Rle_antisym; [apply maximum_norm_of_multiple_at_most|].
  destruct (Req_dec a 0) as [null|nonzero].
  - rewrite null, Rabs_R0, Rmult_0_l. apply maximum_norm_nonnegative.
  - (* ‖u‖ = ‖a⁻¹ (a u)‖ ≤ |a|⁻¹ ‖a u‖ *)
    pose proof (Rabs_pos_lt a nonzero) as positive.
    pose proof (maximum_norm_of_multiple_at_most n (/ a) (scale_coordinates a u)) as undone.
    replace (scale_coordinates (/ a) (scale_coordinates a u)) with u in undone.
    + apply (Rmult_le_compat_l (Rabs a)) in undone; [|lra].
      rewrite <- Rmult_assoc, <- Rabs_mult, Rinv_r, Rabs_R1, Rmult_1_l in undone by exact nonzero. exact undone.
    + apply functional_extensionality. intro i. unfold scale_coordinates. field. exact nonzero.
Qed.

Lemma maximum_norm_separates : forall n (u : coordinates n), maximum_norm u = 0 -> u = zero_coordinates.
Proof.
  intros n u null. apply functional_extensionality. intro i. unfold zero_coordinates.
  pose proof (coordinate_below_maximum_norm n u i) as below. rewrite null in below.
  destruct (Req_dec (u i) 0) as [zero|nonzero]; [exact zero|]. pose proof (Rabs_pos_lt _ nonzero). lra.
Qed.

Definition maximum_norm_space (n : nat) : NormedSpace.
Proof.
  refine {|
    carrier := coordinates n;
    zero := zero_coordinates;
    add := add_coordinates;
    opposite := opposite_coordinates;
    scale := scale_coordinates;
    norm := maximum_norm;
    norm_triangle := maximum_norm_triangle n;
    norm_scale := maximum_norm_of_multiple n;
    norm_separates := maximum_norm_separates n
  |}; coordinatewise.
Defined.
