(** * Skew-symmetric fields

    Statement.   ⟨f(z) − f(y), z − y⟩ = 0 for all states, as for f = Ay − Aᵀy, makes μ = 0, for every multiple of f too.
                 With −ρy added, K² = K_f² + ρ². A field of this kind is affine.
    Assumptions. any inner product space; Aᵀ is the adjoint of A: ⟨Au, v⟩ = ⟨u, Aᵀv⟩; A and Aᵀ keep differences;
                 f(t, ·) is K_f-Lipschitz
    Source.      theory, section 3; the skew-symmetric field and its Lipschitz rule
    Verdict.     proved as stated
    Theorems.    adjoint_difference_is_skew, skew_has_no_one_sided_growth, skew_with_dissipation,
                 skew_with_dissipation_is_attained, skew_is_affine *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space theorem_3_1 one_sided.
Open Scope R_scope.
Open Scope vector_scope.

Section SkewFields.

Variable E : InnerProductSpace.

Definition skew (f : R -> E -> E) : Prop := forall t z y, ⟨f t z ⊖ f t y, z ⊖ y⟩ = 0.

(** ⟨Ae − Aᵀe, e⟩ = ⟨Ae, e⟩ − ⟨e, Ae⟩ = 0 *)
Theorem adjoint_difference_is_skew : forall A At : E -> E,
  (forall u v, ⟨A u, v⟩ = ⟨u, At v⟩) ->
  (forall u v, A (u ⊖ v) = A u ⊖ A v) -> (forall u v, At (u ⊖ v) = At u ⊖ At v) ->
  skew (fun _ y => A y ⊖ At y).
Proof.
  intros A At adjoint differences adjoint_differences t z y.
  replace ((A z ⊖ At z) ⊖ (A y ⊖ At y)) with ((A z ⊖ A y) ⊖ (At z ⊖ At y)) by vector.
  rewrite <- differences, <- adjoint_differences. set (e := z ⊖ y).
  rewrite dot_add_left, dot_opposite_left, adjoint, (dot_symmetric _ (At e)). ring.
Qed.

Theorem skew_has_no_one_sided_growth : forall f, skew f ->
  one_sided E f 0 /\
  (forall c, skew (multiple_of E c f)) /\
  (forall mu, one_sided E f mu -> forall z y : E, z ⊖ y <> zero -> 0 <= mu).
Proof.
  intros f right_angles. split; [|split].
  - intros t z y. rewrite right_angles. lra.
  - intros c t z y. rewrite difference_of_multiple, dot_scale_left, right_angles. ring.
  - intros mu constant z y differ. pose proof (constant 0 z y) as bound. rewrite right_angles in bound.
    apply Rnot_lt_le. intro negative.
    destruct (norm_nonnegative _ (z ⊖ y)) as [positive|null].
    + pose proof (Rmult_lt_0_compat _ _ positive positive). nra.
    + apply differ, norm_separates. symmetry. exact null.
Qed.

(** Pythagoras: ‖Δf − ρe‖² = ‖Δf‖² + ρ²‖e‖² *)
Lemma skew_difference_squared : forall f rho t z y, skew f ->
  ‖dissipative E f rho t z ⊖ dissipative E f rho t y‖ * ‖dissipative E f rho t z ⊖ dissipative E f rho t y‖
    = ‖f t z ⊖ f t y‖ * ‖f t z ⊖ f t y‖ + rho * rho * (‖z ⊖ y‖ * ‖z ⊖ y‖).
Proof.
  intros f rho t z y right_angles. pose proof (right_angles t z y) as product.
  rewrite difference_with_dissipation. set (d := f t z ⊖ f t y) in *. set (e := z ⊖ y) in *.
  rewrite <- !dot_is_norm_squared. rewrite !dot_add_left, !dot_add_right, !dot_opposite_left, !dot_opposite_right,
    !dot_scale_left, !dot_scale_right, (dot_symmetric _ e d), product. ring.
Qed.

Theorem skew_with_dissipation : forall f rho K,
  skew f -> lipschitz E f K -> lipschitz E (dissipative E f rho) (sqrt (K * K + rho * rho)).
Proof.
  intros f rho K right_angles constant t z y.
  pose proof (norm_nonnegative _ (z ⊖ y)). pose proof (norm_nonnegative _ (f t z ⊖ f t y)).
  assert (0 <= K * K + rho * rho) by nra.
  apply compare_squares; [apply Rmult_le_pos; [apply sqrt_pos|assumption]|].
  replace (sqrt (K * K + rho * rho) * ‖z ⊖ y‖ * (sqrt (K * K + rho * rho) * ‖z ⊖ y‖))
    with (sqrt (K * K + rho * rho) * sqrt (K * K + rho * rho) * (‖z ⊖ y‖ * ‖z ⊖ y‖)) by ring.
  rewrite sqrt_sqrt, skew_difference_squared by assumption.
  pose proof (Rmult_le_compat _ _ _ _ (norm_nonnegative _ _) (norm_nonnegative _ _) (constant t z y) (constant t z y)).
  lra.
Qed.

(** Where ‖Δf‖ = K‖e‖, as for K times a quarter turn, the constant is attained. *)
Theorem skew_with_dissipation_is_attained : forall f rho K t z y, skew f ->
  ‖f t z ⊖ f t y‖ = K * ‖z ⊖ y‖ ->
  ‖dissipative E f rho t z ⊖ dissipative E f rho t y‖ = sqrt (K * K + rho * rho) * ‖z ⊖ y‖.
Proof.
  intros f rho K t z y right_angles attained.
  pose proof (norm_nonnegative _ (z ⊖ y)).
  assert (0 <= K * K + rho * rho) by nra.
  rewrite <- (sqrt_square (‖dissipative E f rho t z ⊖ dissipative E f rho t y‖)) by apply norm_nonnegative.
  rewrite <- (sqrt_square (‖z ⊖ y‖)) at 1 by assumption.
  rewrite <- sqrt_mult by (try assumption; apply Rmult_le_pos; assumption). f_equal.
  rewrite skew_difference_squared, attained by assumption. ring.
Qed.

(** There is no nonlinear field of this kind. With g = f − f(0): ⟨g(u), v⟩ = −⟨u, g(v)⟩, so g keeps combinations. *)
Theorem skew_is_affine : forall f, skew f ->
  forall t a b u v, f t (a • u ⊕ b • v) ⊖ f t zero = a • (f t u ⊖ f t zero) ⊕ b • (f t v ⊖ f t zero).
Proof.
  intros f right_angles t a b u v.
  set (g := fun w => f t w ⊖ f t zero).
  assert (forall w, ⟨g w, w⟩ = 0) as own.
  { intro w. pose proof (right_angles t w zero) as product.
    replace (w ⊖ zero) with w in product by vector. exact product. }
  assert (forall w x, ⟨g w, x⟩ = - ⟨w, g x⟩) as exchange.
  { intros w x. pose proof (right_angles t w x) as product.
    replace (f t w ⊖ f t x) with (g w ⊖ g x) in product by (unfold g; vector).
    rewrite !dot_add_left, !dot_add_right, !dot_opposite_left, !dot_opposite_right, !own in product.
    rewrite (dot_symmetric _ w (g x)). lra. }
  change (g (a • u ⊕ b • v) = a • g u ⊕ b • g v).
  (* the difference d of the sides is at right angles to everything, so to itself *)
  set (d := g (a • u ⊕ b • v) ⊖ (a • g u ⊕ b • g v)).
  assert (‖d‖ * ‖d‖ = 0) as null.
  { rewrite <- dot_is_norm_squared. unfold d at 1.
    rewrite !dot_add_left, !dot_opposite_left, !dot_add_left, !dot_scale_left, !exchange, !dot_add_left,
      !dot_scale_left. ring. }
  apply Rmult_integral in null. assert (d = zero) as same by (apply norm_separates; tauto).
  replace (g (a • u ⊕ b • v)) with (d ⊕ (a • g u ⊕ b • g v)) by (unfold d; vector).
  rewrite same. vector.
Qed.

End SkewFields.
