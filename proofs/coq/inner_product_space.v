(** * Inner product spaces

    A normed space whose norm comes from an inner product: what the one-sided constant μ needs. [euclidean_space.v]
    shows that R^n is one. *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space.
Open Scope R_scope.
Open Scope vector_scope.

Record InnerProductSpace : Type := {
  normed :> NormedSpace;
  dot : normed -> normed -> R;
  dot_symmetric : forall u v, dot u v = dot v u;
  dot_add_left : forall u v w, dot (u ⊕ v) w = dot u w + dot v w;
  dot_scale_left : forall a u v, dot (a • u) v = a * dot u v;
  dot_is_norm_squared : forall u, dot u u = ‖u‖ * ‖u‖
}.

Arguments dot {_}.

Notation "⟨ u , v ⟩" := (dot u v) (at level 0, u at level 99, v at level 99, format "⟨ u ,  v ⟩") : vector_scope.

Section InnerProducts.

Variable E : InnerProductSpace.

Lemma dot_add_right : forall u v w : E, ⟨u, v ⊕ w⟩ = ⟨u, v⟩ + ⟨u, w⟩.
Proof.
  intros u v w. rewrite dot_symmetric, dot_add_left, (dot_symmetric _ v), (dot_symmetric _ w). reflexivity.
Qed.

Lemma dot_scale_right : forall a (u v : E), ⟨u, a • v⟩ = a * ⟨u, v⟩.
Proof.
  intros a u v. rewrite dot_symmetric, dot_scale_left, (dot_symmetric _ v). reflexivity.
Qed.

Lemma dot_opposite_left : forall u v : E, ⟨opposite u, v⟩ = - ⟨u, v⟩.
Proof.
  intros u v. rewrite opposite_is_scale, dot_scale_left. ring.
Qed.

Lemma dot_opposite_right : forall u v : E, ⟨u, opposite v⟩ = - ⟨u, v⟩.
Proof.
  intros u v. rewrite dot_symmetric, dot_opposite_left, dot_symmetric. reflexivity.
Qed.

Lemma dot_zero_left : forall u : E, ⟨zero, u⟩ = 0.
Proof.
  intro u. rewrite <- (scale_zero E zero), dot_scale_left. ring.
Qed.

Lemma dot_zero_right : forall u : E, ⟨u, zero⟩ = 0.
Proof.
  intro u. rewrite dot_symmetric. apply dot_zero_left.
Qed.

End InnerProducts.

(** [expand_dot] writes an inner product of sums and multiples as a sum of inner products. *)

Ltac expand_dot :=
  repeat first
    [ rewrite dot_add_left | rewrite dot_add_right | rewrite dot_scale_left | rewrite dot_scale_right
    | rewrite dot_opposite_left | rewrite dot_opposite_right | rewrite dot_zero_left | rewrite dot_zero_right ].

Section Inequalities.

Variable E : InnerProductSpace.

(** The expansion of ‖u + v‖². *)
Lemma norm_squared_of_sum : forall u v : E, ‖u ⊕ v‖ * ‖u ⊕ v‖ = ‖u‖ * ‖u‖ + 2 * ⟨u, v⟩ + ‖v‖ * ‖v‖.
Proof.
  intros u v. rewrite <- !dot_is_norm_squared. expand_dot. rewrite (dot_symmetric _ v u). ring.
Qed.

(** Cauchy and Schwarz: 0 ≤ ‖ ‖v‖² u − ⟨u, v⟩ v ‖² = ‖v‖² (‖u‖²‖v‖² − ⟨u, v⟩²). *)
Theorem cauchy_schwarz : forall u v : E, ⟨u, v⟩ <= ‖u‖ * ‖v‖.
Proof.
  intros u v.
  pose proof (norm_nonnegative E u) as nonnegative_u.
  pose proof (norm_nonnegative E v) as nonnegative_v.
  destruct (Req_dec (‖v‖) 0) as [null|positive].
  - (* v = 0 *)
    rewrite (norm_separates _ v null), dot_zero_right, norm_zero. lra.
  - assert (‖v‖ > 0) as v_positive by lra.
    set (w := (‖v‖ * ‖v‖) • u ⊖ ⟨u, v⟩ • v).
    assert (0 <= ⟨w, w⟩) as square by (rewrite dot_is_norm_squared; apply Rle_0_sqr).
    replace (⟨w, w⟩) with ((‖v‖ * ‖v‖) * ((‖u‖ * ‖v‖) * (‖u‖ * ‖v‖) - ⟨u, v⟩ * ⟨u, v⟩)) in square.
    + assert (⟨u, v⟩ * ⟨u, v⟩ <= (‖u‖ * ‖v‖) * (‖u‖ * ‖v‖)) as squares.
      { assert (0 < ‖v‖ * ‖v‖) as factor by (apply Rmult_lt_0_compat; lra).
        apply Rnot_lt_le. intro larger.
        pose proof (Rmult_lt_0_compat _ _ factor (Rlt_Rminus _ _ larger)). lra. }
      assert (0 <= ‖u‖ * ‖v‖) as nonnegative by (apply Rmult_le_pos; lra).
      apply Rnot_lt_le. intro larger. nra.
    + unfold w. expand_dot. rewrite (dot_symmetric _ v u), !dot_is_norm_squared. ring.
Qed.

Corollary cauchy_schwarz_absolute : forall u v : E, Rabs ⟨u, v⟩ <= ‖u‖ * ‖v‖.
Proof.
  intros u v. apply Rabs_le. split; [|apply cauchy_schwarz].
  pose proof (cauchy_schwarz (opposite u) v) as negative.
  rewrite dot_opposite_left, norm_opposite in negative. lra.
Qed.

(** Norms are compared through their squares. *)
Lemma compare_squares : forall a b, 0 <= b -> a * a <= b * b -> a <= b.
Proof.
  intros a b nonnegative squares. apply Rnot_lt_le. intro larger. nra.
Qed.

End Inequalities.
