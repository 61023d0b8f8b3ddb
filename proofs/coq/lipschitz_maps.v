(** * Lipschitz maps between two normed spaces

    [lipschitz_map V W f K] says that f : V → W lets no distance grow by more than the factor K. The fields of
    [theorem_3_1.v] map a space to itself and depend on the time; layers and couplings map one space to another. *)

From Coq Require Import Reals Lra.
From NatrobProofs Require Import normed_space.
Open Scope R_scope.
Open Scope vector_scope.

Definition lipschitz_map (V W : NormedSpace) (f : V -> W) (K : R) : Prop :=
  forall z y, ‖f z ⊖ f y‖ <= K * ‖z ⊖ y‖.

Arguments lipschitz_map {V W}.

Lemma larger_constant : forall (V W : NormedSpace) (f : V -> W) K L,
  lipschitz_map f K -> K <= L -> lipschitz_map f L.
Proof.
  intros V W f K L constant larger z y. apply Rle_trans with (K * ‖z ⊖ y‖); [apply constant|].
  apply Rmult_le_compat_r; [apply norm_nonnegative|assumption].
Qed.

Lemma lipschitz_identity : forall V : NormedSpace, lipschitz_map (fun y : V => y) 1.
Proof.
  intros V z y. rewrite Rmult_1_l. apply Rle_refl.
Qed.

(** A norm is a 1-Lipschitz map to the numbers. *)
Lemma norm_difference : forall (V : NormedSpace) (u v : V), ‖u‖ - ‖v‖ <= ‖u ⊖ v‖.
Proof.
  intros V u v. pose proof (norm_triangle V (u ⊖ v) v) as triangle.
  replace ((u ⊖ v) ⊕ v) with u in triangle by vector. lra.
Qed.
