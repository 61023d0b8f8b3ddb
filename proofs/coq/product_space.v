(** * The real line, and products of inner product spaces

    ℝ is an inner product space, and so is E × F with ⟨(a, b), (c, d)⟩ = ⟨a, c⟩ + ⟨b, d⟩. So ℝ × ℝ is the plane, and
    ℝ × (ℝ × …) is ℝ^n. States that are made of two halves live in a product, and examples that turn live in E × E. *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The real line *)

Definition real_line_normed : NormedSpace.
Proof.
  refine {| carrier := R; zero := 0; add := Rplus; opposite := Ropp; scale := Rmult; norm := Rabs |}.
  - intros u v. ring.
  - intros u v w. ring.
  - intro u. ring.
  - intro u. ring.
  - intro u. ring.
  - intros a b u. ring.
  - intros a u v. ring.
  - intros a b u. ring.
  - exact Rabs_triang.
  - exact Rabs_mult.
  - intros u null. destruct (Req_dec u 0) as [same|other]; [exact same|]. apply Rabs_no_R0 in other. contradiction.
Defined.

Definition real_line : InnerProductSpace.
Proof.
  refine {| normed := real_line_normed; dot := fun u v : real_line_normed => (u * v)%R |}; simpl.
  - intros u v. ring.
  - intros u v w. ring.
  - intros a u v. ring.
  - intro u. unfold Rabs. destruct (Rcase_abs u); ring.
Defined.

(** ** Products *)

Section Products.

Variables E F : InnerProductSpace.

Definition pair_norm_squared (u : E * F) : R := ‖fst u‖ * ‖fst u‖ + ‖snd u‖ * ‖snd u‖.

Definition pair_norm (u : E * F) : R := sqrt (pair_norm_squared u).

Definition pair_dot (u v : E * F) : R := ⟨fst u, fst v⟩ + ⟨snd u, snd v⟩.

Lemma pair_norm_squared_nonnegative : forall u, 0 <= pair_norm_squared u.
Proof.
  intro u. unfold pair_norm_squared.
  pose proof (Rle_0_sqr (‖fst u‖)) as first. pose proof (Rle_0_sqr (‖snd u‖)) as second. unfold Rsqr in *. lra.
Qed.

Lemma pair_dot_is_norm_squared : forall u, pair_dot u u = pair_norm u * pair_norm u.
Proof.
  intro u. unfold pair_norm. rewrite sqrt_sqrt by apply pair_norm_squared_nonnegative.
  unfold pair_dot, pair_norm_squared. rewrite !dot_is_norm_squared. reflexivity.
Qed.

(** Cauchy and Schwarz in either space, then for the norms of the parts as vectors of the plane. *)
Lemma pair_cauchy_schwarz : forall u v, pair_dot u v <= pair_norm u * pair_norm v.
Proof.
  intros u v. unfold pair_norm. rewrite <- sqrt_mult by apply pair_norm_squared_nonnegative.
  pose proof (cauchy_schwarz _ (fst u) (fst v)) as first. pose proof (cauchy_schwarz _ (snd u) (snd v)) as second.
  apply Rle_trans with (‖fst u‖ * ‖fst v‖ + ‖snd u‖ * ‖snd v‖); [unfold pair_dot; lra|].
  apply compare_squares; [apply sqrt_pos|].
  rewrite sqrt_sqrt by (apply Rmult_le_pos; apply pair_norm_squared_nonnegative).
  unfold pair_norm_squared.
  (* the difference of the sides is a square *)
  pose proof (Rle_0_sqr (‖fst u‖ * ‖snd v‖ - ‖snd u‖ * ‖fst v‖)) as square. unfold Rsqr in square. lra.
Qed.

Definition pair_add (u v : E * F) : E * F := (fst u ⊕ fst v, snd u ⊕ snd v).

Definition pair_opposite (u : E * F) : E * F := (opposite (fst u), opposite (snd u)).

Definition pair_scale (a : R) (u : E * F) : E * F := (a • fst u, a • snd u).

Lemma pair_triangle : forall u v, pair_norm (pair_add u v) <= pair_norm u + pair_norm v.
Proof.
  intros u v.
  assert (0 <= pair_norm u) by apply sqrt_pos. assert (0 <= pair_norm v) by apply sqrt_pos.
  apply compare_squares; [lra|]. rewrite <- pair_dot_is_norm_squared.
  assert (pair_dot (pair_add u v) (pair_add u v) = pair_dot u u + 2 * pair_dot u v + pair_dot v v) as expanded.
  { unfold pair_dot, pair_add; simpl. expand_dot.
    rewrite (dot_symmetric _ (fst v) (fst u)), (dot_symmetric _ (snd v) (snd u)). ring. }
  rewrite expanded, !pair_dot_is_norm_squared. pose proof (pair_cauchy_schwarz u v). lra.
Qed.

Definition product_normed : NormedSpace.
Proof.
  refine {| carrier := (E * F)%type; zero := (zero, zero); add := pair_add; opposite := pair_opposite;
            scale := pair_scale; norm := pair_norm |}.
  - intros [a b] [c d]. unfold pair_add; simpl. f_equal; vector.
  - intros [a b] [c d] [p q]. unfold pair_add; simpl. f_equal; vector.
  - intros [a b]. unfold pair_add; simpl. f_equal; vector.
  - intros [a b]. unfold pair_add, pair_opposite; simpl. f_equal; vector.
  - intros [a b]. unfold pair_scale; simpl. f_equal; vector.
  - intros r s [a b]. unfold pair_scale; simpl. f_equal; vector.
  - intros r [a b] [c d]. unfold pair_scale, pair_add; simpl. f_equal; vector.
  - intros r s [a b]. unfold pair_scale, pair_add; simpl. f_equal; vector.
  - exact pair_triangle.
  - intros r u. unfold pair_norm. rewrite <- sqrt_Rsqr_abs, <- sqrt_mult by
      first [apply Rle_0_sqr | apply pair_norm_squared_nonnegative].
    f_equal. unfold pair_norm_squared, pair_scale, Rsqr; simpl. rewrite <- !dot_is_norm_squared. expand_dot. ring.
  - intros [a b] null. unfold pair_norm in null.
    apply sqrt_eq_0 in null; [|apply pair_norm_squared_nonnegative]. unfold pair_norm_squared in null; simpl in null.
    pose proof (Rle_0_sqr (‖a‖)) as first. pose proof (Rle_0_sqr (‖b‖)) as second. unfold Rsqr in *.
    f_equal; apply norm_separates; nra.
Defined.

Definition product_space : InnerProductSpace.
Proof.
  refine {| normed := product_normed; dot := fun u v : product_normed => pair_dot u v |}.
  - intros u v. unfold pair_dot. rewrite (dot_symmetric _ (fst u)), (dot_symmetric _ (snd u)). reflexivity.
  - intros u v w. unfold pair_dot; simpl. expand_dot. ring.
  - intros a u v. unfold pair_dot; simpl. expand_dot. ring.
  - exact pair_dot_is_norm_squared.
Defined.

Lemma product_norm_squared : forall u : product_space, ‖u‖ * ‖u‖ = ‖fst u‖ * ‖fst u‖ + ‖snd u‖ * ‖snd u‖.
Proof.
  intro u. rewrite <- dot_is_norm_squared. simpl. unfold pair_dot. rewrite !dot_is_norm_squared. reflexivity.
Qed.

End Products.

Definition plane : InnerProductSpace := product_space real_line real_line.

(** ** The quarter turn of E × E, (a, b) ↦ (−b, a): linear, at right angles to its argument, and of the same length *)

Section QuarterTurn.

Variable E : InnerProductSpace.

Definition quarter_turn (u : product_space E E) : product_space E E := (opposite (snd u), fst u).

Lemma quarter_turn_add : forall u v, quarter_turn (u ⊕ v) = quarter_turn u ⊕ quarter_turn v.
Proof.
  intros [a b] [c d]. unfold quarter_turn; simpl. unfold pair_add; simpl. f_equal. vector.
Qed.

Lemma quarter_turn_scale : forall r u, quarter_turn (r • u) = r • quarter_turn u.
Proof.
  intros r [a b]. unfold quarter_turn; simpl. unfold pair_scale; simpl. f_equal. vector.
Qed.

Lemma quarter_turn_orthogonal : forall u, ⟨quarter_turn u, u⟩ = 0.
Proof.
  intros [a b]. simpl. unfold pair_dot; simpl. expand_dot. rewrite (dot_symmetric _ b a). ring.
Qed.

Lemma quarter_turn_isometric : forall u, ‖quarter_turn u‖ = ‖u‖.
Proof.
  intros [a b]. simpl. unfold pair_norm, pair_norm_squared; simpl. rewrite norm_opposite. f_equal. ring.
Qed.

End QuarterTurn.
